#include <complex>
#include <limits>
#include <new>

#include "message/codec_state.hpp"

namespace onecopy {

using message::Item;
using message::Tag;
using message::ValueReader;

namespace {

bool is_container(Tag tag) { return tag == Tag::list || tag == Tag::tuple || tag == Tag::dict; }

// Whether the elements of `item` can be given out one by one.
bool is_packed(const Item& item) {
  return item.tag == Tag::reals || item.tag == Tag::integers ||
         (item.tag == Tag::array && item.dimensions == 1 && item.data_type != ElementType::float16);
}

std::string name_of(const Item& item) {
  if (item.tag != Tag::array) return message::name_of(item.tag);
  return "an array of " + std::string(message::name_of(item.data_type)) + " in " +
         std::to_string(item.dimensions) + (item.dimensions == 1 ? " dimension" : " dimensions");
}

constexpr const char* kOnlyPickle =
    "only Python's pickle can read the message: there is more in it than None, bool, int, float, "
    "complex, str, bytes, list, tuple, dict and NumPy arrays of numbers in this machine's byte "
    "order; onecopy::Opaque takes it as it is";

// How many values may be read that are there already and are referred to: so many, and so many more
// for each byte of the body. A message of a few hundred bytes can refer to its parts so that there
// is no end to them when each is written out.
constexpr std::uint64_t kMostAgain = std::uint64_t{1} << 20;
constexpr std::uint64_t kMoreForEachByte = 256;

bool has_gaps(const Item& item) {
  std::uint64_t step = item.size_of_one;
  for (unsigned dimension = item.dimensions; dimension-- > 0;) {
    if (item.extent(dimension) > 1 && item.stride(dimension) != static_cast<std::int64_t>(step)) {
      return true;
    }
    step *= item.extent(dimension);
  }
  return false;
}

template <class T>
T element(const Item& item, std::uint64_t index) {
  T value;
  std::memcpy(&value, item.data + index * sizeof value, sizeof value);
  return value;
}

}  // namespace

Result<void> Decoder::State::decode(const detail::ValueRead& value) {
  try {
    Decoder decoder(*this);
    value.read(decoder, value.value);
  } catch (const std::bad_alloc&) {
    fail({Error::no_memory, 0, "there is no memory to read the message"});
  }
  if (!failed()) {
    drop_complete();
    if (!begun_ || loaded_ || !frames_.empty()) {
      fail({Error::invalid, 0, "a Codec read less than one whole value"});
    } else if (kind_ == message::Kind::value && !base_.finish()) {
      fail(base_.failure());
    }
  }
  if (failed()) return failure_;
  return {};
}

void Decoder::State::fail(Failure reason) {
  if (failure_.code == Error::none) failure_ = std::move(reason);
}

void Decoder::State::fail_wanted(const char* wanted) {
  fail({Error::invalid, 0,
        std::string(wanted) + " was wanted, and the message has " + name_of(item_)});
}

// A value that was read again ends where its last item ends and its container has been left.
void Decoder::State::drop_complete() noexcept {
  while (!again_.empty() && again_.back().reader.complete() &&
         again_.back().reader.depth() == again_.back().depth) {
    again_.pop_back();
  }
}

const Item* Decoder::State::peek() {
  if (failed()) return nullptr;
  if (loaded_) return &item_;
  if (kind_ == message::Kind::pickle) {
    fail({Error::invalid, 0, kOnlyPickle});
    return nullptr;
  }
  if (frames_.empty() ? begun_ : frames_.back().left == 0) {
    fail({Error::invalid, 0, "more values were wanted than the message has"});
    return nullptr;
  }
  const bool packed = !frames_.empty() && frames_.back().packed;
  if (packed) {
    load_element(frames_.back());
  } else if (!load_value()) {
    return nullptr;
  }
  loaded_ = true;
  return &item_;
}

bool Decoder::State::load_value() {
  drop_complete();
  const std::uint64_t most_again = kMostAgain + kMoreForEachByte * body_.size();
  if (!again_.empty() && ++again_count_ > most_again) {
    fail({Error::no_memory, 0,
          "the message refers to its own parts so often that they would come to more than " +
              std::to_string(most_again) + " values"});
    return false;
  }
  position_ = reader().position();
  if (!reader().next(item_)) {
    fail(reader().failure());
    return false;
  }
  if (item_.tag == Tag::reference) {
    // Every reader has its own copy of how deep we are, and what is remembered is no reference.
    position_ = remembered_[item_.count];
    const std::uint32_t depth = reader().depth();
    again_.push_back({ValueReader::again(reader(), position_), depth});
    if (!reader().next(item_)) {
      fail(reader().failure());
      return false;
    }
  } else if (item_.remember && !is_container(item_.tag) && again_.empty()) {
    remembered_.push_back(position_);
  }
  is_shared_ = item_.tag == Tag::shared_array;
  return !is_shared_ || find_shared_data();
}

// An array in shared memory that has no gaps is an array like any other. The message holds it.
bool Decoder::State::find_shared_data() {
  const memory::SharedName name = shared_name();
  if (name.block == memory::kNoBlock || has_gaps(item_)) return true;
  const std::uint64_t room = memory::block_length(name.block);
  if (item_.offset > room || item_.count > (room - item_.offset) / item_.size_of_one) {
    fail({Error::corrupt, 0, "the message has an array that leaves its shared memory"});
    return false;
  }
  item_.tag = Tag::array;
  item_.length = item_.count * item_.size_of_one;
  item_.data = memory::block_data(name.block) + item_.offset;
  return true;
}

void Decoder::State::load_element(const Frame& frame) {
  const Item& from = frame.item;
  const std::uint64_t index = from.count - frame.left;
  const ElementType type = from.tag == Tag::reals      ? ElementType::float64
                           : from.tag == Tag::integers ? ElementType::int64
                                                       : from.data_type;
  item_.tag = Tag::integer;
  switch (type) {
    case ElementType::boolean:
      item_.tag = element<std::uint8_t>(from, index) != 0 ? Tag::true_ : Tag::false_;
      break;
    case ElementType::int8:
      item_.integer = std::int64_t{element<std::int8_t>(from, index)};
      break;
    case ElementType::int16:
      item_.integer = element<std::int16_t>(from, index);
      break;
    case ElementType::int32:
      item_.integer = element<std::int32_t>(from, index);
      break;
    case ElementType::int64:
      item_.integer = element<std::int64_t>(from, index);
      break;
    case ElementType::uint8:
      item_.integer = element<std::uint8_t>(from, index);
      break;
    case ElementType::uint16:
      item_.integer = element<std::uint16_t>(from, index);
      break;
    case ElementType::uint32:
      item_.integer = element<std::uint32_t>(from, index);
      break;
    case ElementType::uint64: {
      const auto value = element<std::uint64_t>(from, index);
      item_.integer = static_cast<std::int64_t>(value);
      if (item_.integer < 0) {
        item_.tag = Tag::big_integer;
        std::memcpy(wide_, &value, sizeof value);
        wide_[8] = std::byte{0};
        item_.data = wide_;
        item_.length = sizeof wide_;
      }
      break;
    }
    case ElementType::float32:
      item_.tag = Tag::real;
      item_.real = static_cast<double>(element<float>(from, index));
      break;
    case ElementType::float64:
      item_.tag = Tag::real;
      item_.real = element<double>(from, index);
      break;
    case ElementType::long_double:
      item_.tag = Tag::real;
      item_.real = static_cast<double>(element<long double>(from, index));
      break;
    case ElementType::complex64: {
      const auto value = element<std::complex<float>>(from, index);
      item_.tag = Tag::complex;
      item_.real = static_cast<double>(value.real());
      item_.imaginary = static_cast<double>(value.imag());
      break;
    }
    case ElementType::complex128: {
      const auto value = element<std::complex<double>>(from, index);
      item_.tag = Tag::complex;
      item_.real = value.real();
      item_.imaginary = value.imag();
      break;
    }
    case ElementType::float16:
      break;  // is_packed() refuses them: C++ has no such type
  }
}

void Decoder::State::take() noexcept {
  loaded_ = false;
  if (frames_.empty()) {
    begun_ = true;
  } else {
    --frames_.back().left;
  }
}

std::size_t Decoder::State::open(bool dict) {
  const Item* next = peek();
  if (next == nullptr) return 0;
  const bool packed = !dict && is_packed(*next);
  const bool fits =
      dict ? next->tag == Tag::dict : packed || next->tag == Tag::list || next->tag == Tag::tuple;
  if (!fits) {
    fail_wanted(dict ? "a dictionary" : "a sequence");
    return 0;
  }
  take();
  frames_.push_back({item_, position_, item_.count * (dict ? 2 : 1), packed});
  return item_.count;
}

void Decoder::State::close() {
  if (failed()) return;
  if (frames_.empty() || frames_.back().left != 0 || loaded_) {
    return fail({Error::invalid, 0, "values of the message were left unread"});
  }
  const Frame& frame = frames_.back();
  if (!frame.packed) {
    drop_complete();
    reader().leave(frame.item);
    if (frame.item.remember && again_.empty()) remembered_.push_back(frame.position);
  }
  frames_.pop_back();
}

ValueKind Decoder::next() {
  if (state_.kind() == message::Kind::pickle) return ValueKind::opaque;
  const Item* next = state_.peek();
  if (next == nullptr) return ValueKind::none;
  switch (next->tag) {
    case Tag::none:
    case Tag::reference:  // peek() has followed it
      break;
    case Tag::false_:
    case Tag::true_:
      return ValueKind::boolean;
    case Tag::integer:
    case Tag::integer_8:
    case Tag::integer_32:
      return ValueKind::integer;
    case Tag::big_integer:
      return ValueKind::big_integer;
    case Tag::real:
      return ValueKind::real;
    case Tag::complex:
      return ValueKind::complex;
    case Tag::string:
      return ValueKind::string;
    case Tag::bytes:
      return ValueKind::bytes;
    case Tag::list:
    case Tag::reals:
    case Tag::integers:
      return ValueKind::list;
    case Tag::tuple:
      return ValueKind::tuple;
    case Tag::dict:
      return ValueKind::dict;
    case Tag::array:
    case Tag::shared_array:
      return ValueKind::array;
    case Tag::record:
      return ValueKind::record;
  }
  return ValueKind::none;
}

bool Decoder::none() {
  const Item* next = state_.peek();
  if (next == nullptr || next->tag != Tag::none) return false;
  state_.take();
  return true;
}

bool Decoder::boolean() {
  const Item* next = state_.peek();
  if (next == nullptr) return false;
  if (next->tag != Tag::true_ && next->tag != Tag::false_) {
    state_.fail_wanted("a truth value");
    return false;
  }
  state_.take();
  return next->tag == Tag::true_;
}

std::int64_t Decoder::integer(std::int64_t least, std::int64_t most) {
  const Item* next = state_.peek();
  if (next == nullptr) return 0;
  if (next->tag != Tag::integer) {
    state_.fail_wanted("an integer");
    return 0;
  }
  state_.take();
  if (next->integer < least || next->integer > most) {
    state_.fail({Error::invalid, 0,
                 "an integer from " + std::to_string(least) + " to " + std::to_string(most) +
                     " was wanted, and the message has " + std::to_string(next->integer)});
    return 0;
  }
  return next->integer;
}

std::uint64_t Decoder::unsigned_integer(std::uint64_t most) {
  const Item* next = state_.peek();
  if (next == nullptr) return 0;
  // Only what lies beyond int64 comes as a big integer, with one more byte for the sign.
  if (next->tag == Tag::big_integer && next->length == 9 && next->data[8] == std::byte{0} &&
      most == std::numeric_limits<std::uint64_t>::max()) {
    state_.take();
    return element<std::uint64_t>(*next, 0);
  }
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::uint64_t>(
      integer(0, static_cast<std::int64_t>(most < kMost ? most : kMost)));
}

std::span<const std::byte> Decoder::big_integer() {
  const Item* next = state_.peek();
  if (next == nullptr) return {};
  if (next->tag != Tag::big_integer) {
    state_.fail_wanted("an integer of more than 64 bits");
    return {};
  }
  state_.take();
  return {next->data, next->length};
}

double Decoder::real() {
  const Item* next = state_.peek();
  if (next == nullptr) return 0;
  if (next->tag == Tag::integer) {
    state_.take();
    return static_cast<double>(next->integer);
  }
  if (next->tag != Tag::real) {
    state_.fail_wanted("a floating-point number");
    return 0;
  }
  state_.take();
  return next->real;
}

Decoder::Complex Decoder::complex() {
  const Item* next = state_.peek();
  if (next == nullptr) return {};
  if (next->tag == Tag::integer || next->tag == Tag::real) return {real(), 0};
  if (next->tag != Tag::complex) {
    state_.fail_wanted("a complex number");
    return {};
  }
  state_.take();
  return {next->real, next->imaginary};
}

std::string_view Decoder::text() {
  const Item* next = state_.peek();
  if (next == nullptr) return {};
  if (next->tag != Tag::string && next->tag != Tag::bytes) {
    state_.fail_wanted("a string");
    return {};
  }
  state_.take();
  return {reinterpret_cast<const char*>(next->data), next->length};
}

std::span<const std::byte> Decoder::bytes() {
  const Item* next = state_.peek();
  if (next == nullptr) return {};
  if (next->tag != Tag::bytes) {
    state_.fail_wanted("a run of bytes");
    return {};
  }
  state_.take();
  return {next->data, next->length};
}

bool Decoder::array(ElementType type, Elements& elements, bool single) {
  const Item* next = state_.peek();
  if (next == nullptr) return false;
  bool fits = false;
  std::uint64_t count = next->count;
  switch (next->tag) {
    case Tag::array:
      fits = next->data_type == type && next->dimensions == (single ? 0 : 1);
      break;
    case Tag::reals:
      fits = type == ElementType::float64 && !single;
      break;
    case Tag::integers:
      fits = type == ElementType::int64 && !single;
      break;
    case Tag::bytes:
      fits = type == ElementType::uint8 && !single;
      count = next->length;
      break;
    default:
      break;
  }
  if (!fits) return false;
  state_.take();
  elements = {next->data, count};
  return true;
}

Decoder::Elements Decoder::record(std::uint64_t type_hash, std::size_t size_of_one) {
  const Item* next = state_.peek();
  if (next == nullptr) return {};
  if (next->tag != Tag::record || next->type_hash != type_hash ||
      next->size_of_one != size_of_one) {
    state_.fail_wanted(next->tag == Tag::record ? "another C++ struct" : "a C++ struct");
    return {};
  }
  state_.take();
  return {next->data, next->count};
}

std::size_t Decoder::open_sequence() { return state_.open(false); }

std::size_t Decoder::open_dict() { return state_.open(true); }

void Decoder::close() { state_.close(); }

void Decoder::fail(Failure failure) { state_.fail(std::move(failure)); }

bool Decoder::failed() const { return state_.failed(); }

}  // namespace onecopy
