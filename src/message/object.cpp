// The Object of include/onecopy/object.hpp, and its codec.
#include <onecopy/object.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace onecopy {
namespace {

const char* name_of(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::none:
      return "nothing (none)";
    case ValueKind::boolean:
      return "a truth value";
    case ValueKind::integer:
      return "an integer";
    case ValueKind::big_integer:
      return "an integer of more than 64 bits";
    case ValueKind::real:
      return "a floating-point number";
    case ValueKind::complex:
      return "a complex number";
    case ValueKind::string:
      return "a string";
    case ValueKind::bytes:
      return "bytes";
    case ValueKind::list:
      return "a list";
    case ValueKind::tuple:
      return "a tuple";
    case ValueKind::dict:
      return "a dictionary";
    case ValueKind::array:
      return "an array";
    case ValueKind::record:
      return "a C++ struct";
    case ValueKind::opaque:
      return "what only Python's pickle can read";
  }
  return "something unknown";
}

// Python refuses the others too, but where they arrive.
bool may_be_key(const Object& object) noexcept {
  if (const auto* tuple = std::get_if<Object::Tuple>(&object.variant())) {
    return std::all_of(tuple->items.begin(), tuple->items.end(), may_be_key);
  }
  return object.kind() < ValueKind::list;
}

// `O` is const, or what is written may be given.
template <class O>
class Writer {
 public:
  explicit Writer(Encoder& to) noexcept : to_(to) {}

  void operator()(O& object) {
    if (!to_.failed()) std::visit(*this, object.variant());
  }

  void operator()(std::monostate) { to_.none(); }
  void operator()(bool value) { to_.boolean(value); }
  void operator()(std::int64_t value) { to_.integer(value); }
  void operator()(const BigInteger& value) { to_.big_integer(value.digits); }
  void operator()(double value) { to_.real(value); }
  void operator()(const Decoder::Complex& value) { to_.complex(value.real, value.imaginary); }
  void operator()(const std::string& value) { to_.string(value); }
  void operator()(const Object::Bytes& value) { to_.bytes(value); }

  template <class Items>
    requires std::is_same_v<std::remove_const_t<Items>, Object::List>
  void operator()(Items& items) {
    to_.open_list(items.size());
    for (O& item : items) (*this)(item);
    to_.close();
  }
  template <class Tuple>
    requires std::is_same_v<std::remove_const_t<Tuple>, Object::Tuple>
  void operator()(Tuple& tuple) {
    to_.open_tuple(tuple.items.size());
    for (O& item : tuple.items) (*this)(item);
    to_.close();
  }
  template <class Dict>
    requires std::is_same_v<std::remove_const_t<Dict>, Object::Dict>
  void operator()(Dict& dict) {
    to_.open_dict(dict.size());
    for (auto& [key, value] : dict.items()) {
      if (!may_be_key(key)) {
        to_.fail({Error::invalid, 0,
                  std::string(name_of(key.kind())) + " cannot be the key of a dictionary"});
        return;
      }
      (*this)(key);
      (*this)(value);
    }
    to_.close();
  }
  template <class Held>
    requires std::is_same_v<std::remove_const_t<Held>, NdArray> ||
             std::is_same_v<std::remove_const_t<Held>, Opaque>
  void operator()(Held& held) {
    detail::write_item(to_, held);
  }

 private:
  Encoder& to_;
};

void read_items(Decoder& from, Object::List& items) {
  const std::size_t count = from.open_sequence();
  items.reserve(count);
  for (std::size_t i = 0; i < count && !from.failed(); ++i) {
    Codec<Object>::read(from, items.emplace_back());
  }
  from.close();
}

void read_items(Decoder& from, Object::Dict& dict) {
  const std::size_t count = from.open_dict();
  dict.items().reserve(count);
  for (std::size_t i = 0; i < count && !from.failed(); ++i) {
    auto& [key, value] = dict.items().emplace_back();
    Codec<Object>::read(from, key);
    Codec<Object>::read(from, value);
  }
  from.close();
}

}  // namespace

// -- the codec ------------------------------------------------------------------------------------

void Codec<Object>::write(Encoder& to, const Object& object) { Writer<const Object>{to}(object); }

void Codec<Object>::give(Encoder& to, Object& object) { Writer<Object>{to}(object); }

void Codec<Object>::read(Decoder& from, Object& object) {
  Object::Variant& value = object.variant();
  switch (from.next()) {
    case ValueKind::none:
      value.emplace<std::monostate>();
      from.none();
      break;
    case ValueKind::boolean:
      value = from.boolean();
      break;
    case ValueKind::integer:
      value = from.integer();
      break;
    case ValueKind::big_integer: {
      const auto digits = from.big_integer();
      value = BigInteger{{digits.begin(), digits.end()}};
      break;
    }
    case ValueKind::real:
      value = from.real();
      break;
    case ValueKind::complex:
      value = from.complex();
      break;
    case ValueKind::string:
      value = std::string(from.text());
      break;
    case ValueKind::bytes: {
      const auto bytes = from.bytes();
      value = Object::Bytes(bytes.begin(), bytes.end());
      break;
    }
    case ValueKind::list:
      read_items(from, value.emplace<Object::List>());
      break;
    case ValueKind::tuple:
      read_items(from, value.emplace<Object::Tuple>().items);
      break;
    case ValueKind::dict:
      read_items(from, value.emplace<Object::Dict>());
      break;
    case ValueKind::array:
      Codec<NdArray>::read(from, value.emplace<NdArray>());
      break;
    case ValueKind::record:
      from.fail(
          {Error::invalid, 0, "the message has a C++ struct, which only its own type can receive"});
      break;
    case ValueKind::opaque:
      from.opaque(value.emplace<Opaque>());
      break;
  }
}

// -- the object -----------------------------------------------------------------------------------

Object::Variant Object::of_unsigned(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return static_cast<std::int64_t>(value);
  }
  BigInteger big{std::vector<std::byte>(sizeof value + 1)};
  std::memcpy(big.digits.data(), &value, sizeof value);
  return big;
}

ValueKind Object::kind() const noexcept {
  const auto index = static_cast<ValueKind>(value_.index());
  return index < ValueKind::record ? index : ValueKind::opaque;
}

void Object::throw_wanted(const char* what) const {
  detail::throw_failure(
      {Error::invalid, 0, std::string(what) + " was wanted, and the object is " + name_of(kind())});
}

double Object::real() const {
  if (const auto* integer = std::get_if<std::int64_t>(&value_))
    return static_cast<double>(*integer);
  return *wanted(std::get_if<double>(&value_), "a floating-point number");
}

Decoder::Complex Object::complex() const {
  if (const auto* complex = std::get_if<Decoder::Complex>(&value_)) return *complex;
  if (kind() != ValueKind::integer && kind() != ValueKind::real) throw_wanted("a complex number");
  return {real(), 0};
}

Object::List& Object::list() {
  if (auto* tuple = std::get_if<Tuple>(&value_)) return tuple->items;
  return *wanted(std::get_if<List>(&value_), "a list or tuple");
}

const Object::List& Object::list() const {
  if (const auto* tuple = std::get_if<Tuple>(&value_)) return tuple->items;
  return *wanted(std::get_if<List>(&value_), "a list or tuple");
}

Object& Object::operator[](std::size_t index) {
  return const_cast<Object&>(std::as_const(*this)[index]);
}

const Object& Object::operator[](std::size_t index) const {
  const List& items = list();
  if (index < items.size()) return items[index];
  detail::throw_failure(
      {Error::invalid, 0,
       "there is no item " + std::to_string(index) + " among " + std::to_string(items.size())});
}

std::size_t Object::size() const {
  const auto* dict = std::get_if<Dict>(&value_);
  return dict != nullptr ? dict->size() : list().size();
}

Object& Object::operator[](std::string_view key) {
  if (is_none()) value_.emplace<Dict>();
  return dict()[key];
}

const Object& Object::at(std::string_view key) const {
  if (const Object* found = find(key)) return *found;
  detail::throw_failure(
      {Error::invalid, 0, "there is no \"" + std::string(key) + "\" in the dictionary"});
}

const Object* Object::Dict::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : items_) {
    const auto* text = std::get_if<std::string>(&name.value_);
    if (text != nullptr && *text == key) return &value;
  }
  return nullptr;
}

Object* Object::Dict::find(std::string_view key) noexcept {
  return const_cast<Object*>(std::as_const(*this).find(key));
}

Object& Object::Dict::operator[](std::string_view key) {
  if (Object* found = find(key)) return *found;
  return items_.emplace_back(Object(key), Object()).second;
}

void Object::Dict::add(Object key, Object value) {
  items_.emplace_back(std::move(key), std::move(value));
}

}  // namespace onecopy
