/// \file
/// How C++ values become messages and messages become C++ values.
///
/// Known from the start: bool, integers, enumerations, floating-point and complex numbers,
/// std::string, std::vector, std::array, std::pair, std::tuple, std::optional, std::map,
/// std::unordered_map and maps that are used like them, std::variant, std::monostate, and structs
/// that can be copied as bytes; and std::span to be sent, which arrives as a vector. NumPy's
/// arrays, of any number of dimensions and without a copy, are in onecopy/nd_view.hpp; what is
/// known only at run time, as Python's mixed dicts and lists, in onecopy/object.hpp; what only
/// Python reads in onecopy/opaque.hpp. Any other type is taught by specialising Codec with two
/// functions:
///
///     template <>
///     struct onecopy::Codec<Name> {
///       static void write(Encoder& to, const Name& name) { to.string(name.text()); }
///       static void read(Decoder& from, Name& name) { name = Name(std::string(from.text())); }
///     };
///
/// Each writes or reads exactly one value; several go into a tuple (open_tuple(2) ... close()). A
/// third, give(Encoder& to, Name& name), where there is one, is called instead of write() for a
/// value that is moved into a message: what it gives of the value need not be copied.
///
/// Values travel in a form that Python reads too: numbers as int, float and complex,
/// std::string as str (as bytes where it is not UTF-8), vectors of numbers as one-dimensional
/// arrays, vectors of std::byte as bytes, other vectors as lists, maps as dict, a variant as the
/// tuple of its index and its value. (So what Python sends is no variant: see onecopy/object.hpp.)
/// Structs copied as bytes are for C++ programs from the same compiler only and must hold no
/// pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <onecopy/encoding.hpp>
#include <onecopy/error.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {
// False for every type, but not before there is one.
template <class T>
inline constexpr bool kHasCodec = false;
}  // namespace detail

/// How values of a type are written into messages and read from them. This one is for types that
/// nobody taught, and only says so; specialisations have its functions, static as here, and perhaps
/// give(). They are called by the thread that puts or gets, outside of all locks.
template <class T>
struct Codec {
  /// Writes one value. Called anew for each that is sent.
  static void write(Encoder&, const T&) { refuse(); }
  /// Reads one value, into one that T{} has made.
  static void read(Decoder&, T&) { refuse(); }

 private:
  static void refuse() {
    static_assert(detail::kHasCodec<T>,
                  "to send this type, specialise onecopy::Codec for it: see onecopy/codec.hpp");
  }
};

namespace detail {

// Never left to be computed when the program runs.
template <class T>
consteval std::uint64_t type_hash() noexcept {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char character : std::string_view(__PRETTY_FUNCTION__)) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 1099511628211u;
  }
  return hash;
}

// std::complex of float or double, and std::map, std::unordered_map and their like, are known by
// what they look like. Their headers take long to compile, and who sends such a thing has it.
template <class T>
concept Complex = (std::is_same_v<typename T::value_type, float> ||
                   std::is_same_v<typename T::value_type, double>) &&
                  sizeof(T) == 2 * sizeof(typename T::value_type) &&
                  requires(const T& number) { T(number.real(), number.imag()); };
template <class T>
concept Map = std::is_same_v<typename T::value_type,
                             std::pair<const typename T::key_type, typename T::mapped_type>> &&
              requires(T& map, typename T::key_type key) {
                map.clear();
                map.size();
                map[std::move(key)];
                map.begin() != map.end();
              };

// The element type of arithmetic and complex types, by kind and size rather than by name.
template <class T>
constexpr ElementType element_type() noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return ElementType::boolean;
  } else if constexpr (std::is_same_v<T, float>) {
    return ElementType::float32;
  } else if constexpr (std::is_same_v<T, double>) {
    return ElementType::float64;
  } else if constexpr (std::is_same_v<T, long double>) {
    return ElementType::long_double;
  } else if constexpr (Complex<T>) {
    return sizeof(T) == 8 ? ElementType::complex64 : ElementType::complex128;
  } else {
    static_assert(std::is_integral_v<T> && sizeof(T) <= 8);
    constexpr int kLogarithm = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return static_cast<ElementType>((std::is_signed_v<T> ? 2 : 6) + kLogarithm);
  }
}

template <class T>
concept Arithmetic = std::is_arithmetic_v<T>;

// A type with a Codec of its own is written by that one, whatever it looks like.
template <class T>
concept ComplexElement = requires { Codec<T>::kComplex; };
template <class T>
concept Element = (Arithmetic<T> && !std::is_same_v<T, bool>) || ComplexElement<T>;

// Structs whose bytes are their value. Views would be copied without what they look at.
template <class T>
inline constexpr bool kIsView = false;
template <class C, class Traits>
inline constexpr bool kIsView<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool kIsView<std::span<T, N>> = true;

template <class T>
concept Record = std::is_class_v<T> && std::is_trivially_copyable_v<T> && !std::is_empty_v<T> &&
                 !kIsView<T> && !Complex<T> && !Map<T>;

template <class T>
T first_of(const Decoder::Elements& elements) noexcept {
  T value;
  std::memcpy(static_cast<void*>(&value), elements.data, sizeof value);
  return value;
}

// Fills `to` with `count` elements at once, without writing zeros first where that can be helped.
template <class T>
void assign(std::vector<T>& to, const Decoder::Elements& from) {
  const auto* data = static_cast<const T*>(from.data);
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0) {
    to.assign(data, data + from.count);
  } else {
    to.resize(from.count);
    if (from.count != 0) {
      std::memcpy(static_cast<void*>(to.data()), from.data, from.count * sizeof(T));
    }
  }
}

[[nodiscard]] Failure wrong_count(std::size_t wanted, std::size_t found);

// Whether a T that is moved into a message need not be copied, or not all of it.
template <class T>
concept Giving = requires(Encoder& to, T& value) { Codec<T>::give(to, value); };

// Which number a value is, where it is one and nothing else: it is sent without its codec, of which
// it has no more to tell.
enum class Number : std::uint8_t { none, signed_integer, unsigned_integer, real };
struct NumberType {
  Number kind = Number::none;
  std::uint8_t bytes = 0;
};
// A type with a Codec of its own is no number, whatever it looks like.
template <class T>
constexpr NumberType number_type() noexcept {
  if constexpr (std::is_arithmetic_v<T> && requires { Codec<T>::kNumber; }) {
    return Codec<T>::kNumber;
  } else {
    return {};
  }
}

// Writes a value: gives it where it is not const.
template <class T>
void write_item(Encoder& to, T& value) {
  if constexpr (!std::is_const_v<T> && Giving<T>) {
    Codec<T>::give(to, value);
  } else {
    Codec<std::remove_const_t<T>>::write(to, value);
  }
}

}  // namespace detail

template <>
struct Codec<std::monostate> {
  static void write(Encoder& to, std::monostate) { to.none(); }
  static void read(Decoder& from, std::monostate&) {
    if (!from.none())
      from.fail({Error::invalid, 0, "none was wanted, and the message has a value"});
  }
};

template <>
struct Codec<bool> {
  static void write(Encoder& to, bool value) { to.boolean(value); }
  static void read(Decoder& from, bool& value) { value = from.boolean(); }
};

template <class T>
  requires std::is_integral_v<T>
struct Codec<T> {
  static constexpr detail::NumberType kNumber{
      sizeof(T) > sizeof(std::int64_t) ? detail::Number::none
      : std::is_signed_v<T>            ? detail::Number::signed_integer
                                       : detail::Number::unsigned_integer,
      sizeof(T)};
  static void write(Encoder& to, T value) {
    if constexpr (std::is_signed_v<T>) {
      to.integer(value);
    } else {
      to.unsigned_integer(value);
    }
  }
  static void read(Decoder& from, T& value) {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_signed_v<T>) {
      value = static_cast<T>(from.integer(Limits::min(), Limits::max()));
    } else {
      value = static_cast<T>(from.unsigned_integer(Limits::max()));
    }
  }
};

template <class T>
  requires std::is_enum_v<T>
struct Codec<T> {
  using Number = std::underlying_type_t<T>;
  static void write(Encoder& to, T value) { Codec<Number>::write(to, static_cast<Number>(value)); }
  static void read(Decoder& from, T& value) {
    Number number{};
    Codec<Number>::read(from, number);
    value = static_cast<T>(number);
  }
};

template <class T>
  requires std::is_floating_point_v<T>
struct Codec<T> {
  static constexpr detail::NumberType kNumber{std::is_same_v<T, float> || std::is_same_v<T, double>
                                                  ? detail::Number::real
                                                  : detail::Number::none,
                                              sizeof(T)};
  static void write(Encoder& to, T value) {
    if constexpr (sizeof(T) <= sizeof(double)) {
      to.real(value);
    } else {
      to.array(detail::element_type<T>(), &value, 1, true);
    }
  }
  static void read(Decoder& from, T& value) {
    if constexpr (sizeof(T) > sizeof(double)) {
      Decoder::Elements elements;
      if (from.array(detail::element_type<T>(), elements, true)) {
        value = detail::first_of<T>(elements);
        return;
      }
    }
    value = static_cast<T>(from.real());
  }
};

template <detail::Complex T>
struct Codec<T> {
  static constexpr bool kComplex = true;
  static void write(Encoder& to, const T& value) { to.complex(value.real(), value.imag()); }
  static void read(Decoder& from, T& value) {
    using Part = typename T::value_type;
    const Decoder::Complex found = from.complex();
    value = T(static_cast<Part>(found.real), static_cast<Part>(found.imaginary));
  }
};

template <>
struct Codec<std::string> {
  static void write(Encoder& to, const std::string& value) { to.string(value); }
  static void read(Decoder& from, std::string& value) { value = from.text(); }
};

template <>
struct Codec<std::byte> {
  static void write(Encoder& to, std::byte value) {
    to.unsigned_integer(std::to_integer<unsigned>(value));
  }
  static void read(Decoder& from, std::byte& value) {
    value = static_cast<std::byte>(from.unsigned_integer(255));
  }
};

template <detail::Record T>
struct Codec<T> {
  static constexpr bool kPlainRecord = true;
  static void write(Encoder& to, const T& value) {
    to.record(detail::type_hash<T>(), sizeof(T), 1, &value);
  }
  static void read(Decoder& from, T& value) {
    const Decoder::Elements found = from.record(detail::type_hash<T>(), sizeof(T));
    if (found.count == 1) {
      std::memcpy(static_cast<void*>(&value), found.data, sizeof(T));
    } else if (!from.failed()) {
      from.fail(detail::wrong_count(1, found.count));
    }
  }
};

namespace detail {

// A type with a Codec of its own is written by that one, even where its bytes would do.
template <class T>
concept PlainRecord = requires { Codec<T>::kPlainRecord; };

// Numbers as one array, bytes as bytes, structs as records side by side, else item by item.
template <class T>
void write_sequence(Encoder& to, std::span<T> values) {
  using Value = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Value, std::byte>) {
    to.bytes(values);
  } else if constexpr (Element<Value>) {
    to.array(element_type<Value>(), values.data(), values.size());
  } else if constexpr (PlainRecord<Value>) {
    to.record(type_hash<Value>(), sizeof(T), values.size(), values.data());
  } else {
    to.open_list(values.size());
    for (T& value : values) write_item(to, value);
    to.close();
  }
}

}  // namespace detail

template <class T>
struct Codec<std::vector<T>> {
  static void write(Encoder& to, const std::vector<T>& values) {
    if constexpr (std::is_same_v<T, bool>) {
      std::vector<unsigned char> wide(values.begin(), values.end());
      to.array(ElementType::boolean, wide.data(), wide.size());
    } else {
      detail::write_sequence(to, std::span<const T>(values));
    }
  }
  static void give(Encoder& to, std::vector<T>& values)
    requires detail::Giving<T>
  {
    detail::write_sequence(to, std::span<T>(values));
  }

  static void read(Decoder& from, std::vector<T>& values) {
    values.clear();
    if constexpr (std::is_same_v<T, std::byte>) {
      const std::span<const std::byte> data = from.bytes();
      values.assign(data.begin(), data.end());
      return;
    } else if constexpr (detail::Element<T>) {
      Decoder::Elements elements;
      if (from.array(detail::element_type<T>(), elements)) {
        detail::assign(values, elements);
        return;
      }
    } else if constexpr (detail::PlainRecord<T>) {
      detail::assign(values, from.record(detail::type_hash<T>(), sizeof(T)));
      return;
    }
    const std::size_t count = from.open_sequence();
    for (std::size_t i = 0; i < count && !from.failed(); ++i) {
      T value{};
      Codec<T>::read(from, value);
      values.push_back(std::move(value));
    }
    from.close();
  }
};

/// A view is sent as what it looks at, and can look at nothing where it arrives.
template <class T, std::size_t N>
struct Codec<std::span<T, N>> {
  using Value = std::remove_cv_t<T>;
  static void write(Encoder& to, std::span<T, N> values) {
    if constexpr (std::is_same_v<Value, bool>) {
      to.array(ElementType::boolean, values.data(), values.size());
    } else {
      detail::write_sequence(to, std::span<const Value>(values));
    }
  }
  static void read(Decoder&, std::span<T, N>&) {
    static_assert(detail::kHasCodec<T>,
                  "a std::span cannot be received: receive a std::vector, which owns its elements, "
                  "or an onecopy::NdView, which keeps the memory that they came in");
  }
};

template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  static void write(Encoder& to, const std::array<T, N>& values) {
    if constexpr (detail::Element<T>) {
      to.array(detail::element_type<T>(), values.data(), N);
    } else {
      write_items(to, values);
    }
  }
  static void give(Encoder& to, std::array<T, N>& values)
    requires detail::Giving<T>
  {
    write_items(to, values);
  }
  static void read(Decoder& from, std::array<T, N>& values) {
    if constexpr (detail::Element<T>) {
      Decoder::Elements elements;
      if (from.array(detail::element_type<T>(), elements)) {
        if (elements.count != N) return from.fail(detail::wrong_count(N, elements.count));
        if constexpr (N != 0) std::memcpy(values.data(), elements.data, sizeof values);
        return;
      }
    }
    const std::size_t count = from.open_sequence();
    if (count != N && !from.failed()) return from.fail(detail::wrong_count(N, count));
    for (T& value : values) Codec<T>::read(from, value);
    from.close();
  }

 private:
  template <class Values>
  static void write_items(Encoder& to, Values& values) {
    to.open_list(N);
    for (auto& value : values) detail::write_item(to, value);
    to.close();
  }
};

template <class... Types>
struct Codec<std::tuple<Types...>> {
  static void write(Encoder& to, const std::tuple<Types...>& values) { write_items(to, values); }
  static void give(Encoder& to, std::tuple<Types...>& values)
    requires(detail::Giving<Types> || ...)
  {
    write_items(to, values);
  }
  static void read(Decoder& from, std::tuple<Types...>& values) {
    const std::size_t count = from.open_sequence();
    if (count != sizeof...(Types) && !from.failed()) {
      return from.fail(detail::wrong_count(sizeof...(Types), count));
    }
    std::apply([&](Types&... value) { (Codec<Types>::read(from, value), ...); }, values);
    from.close();
  }

 private:
  template <class Values>
  static void write_items(Encoder& to, Values& values) {
    to.open_tuple(sizeof...(Types));
    std::apply([&](auto&... value) { (detail::write_item(to, value), ...); }, values);
    to.close();
  }
};

template <class First, class Second>
struct Codec<std::pair<First, Second>> {
  static void write(Encoder& to, const std::pair<First, Second>& values) {
    write_items(to, values);
  }
  static void give(Encoder& to, std::pair<First, Second>& values)
    requires(detail::Giving<First> || detail::Giving<Second>)
  {
    write_items(to, values);
  }
  static void read(Decoder& from, std::pair<First, Second>& values) {
    const std::size_t count = from.open_sequence();
    if (count != 2 && !from.failed()) return from.fail(detail::wrong_count(2, count));
    Codec<First>::read(from, values.first);
    Codec<Second>::read(from, values.second);
    from.close();
  }

 private:
  template <class Values>
  static void write_items(Encoder& to, Values& values) {
    to.open_tuple(2);
    detail::write_item(to, values.first);
    detail::write_item(to, values.second);
    to.close();
  }
};

template <class... Types>
struct Codec<std::variant<Types...>> {
  using Variant = std::variant<Types...>;
  static void write(Encoder& to, const Variant& variant) { write_value(to, variant); }
  static void give(Encoder& to, Variant& variant)
    requires(detail::Giving<Types> || ...)
  {
    write_value(to, variant);
  }
  static void read(Decoder& from, Variant& variant) {
    const std::size_t count = from.open_sequence();
    if (count != 2 && !from.failed()) return from.fail(detail::wrong_count(2, count));
    read_value(from, variant, from.unsigned_integer(sizeof...(Types) - 1),
               std::index_sequence_for<Types...>());
    from.close();
  }

 private:
  template <class Given>
  static void write_value(Encoder& to, Given& variant) {
    to.open_tuple(2);
    to.unsigned_integer(variant.index());
    std::visit([&](auto& value) { detail::write_item(to, value); },  // throws if valueless
               variant);
    to.close();
  }
  template <std::size_t... I>
  static void read_value(Decoder& from, Variant& variant, std::size_t index,
                         std::index_sequence<I...>) {
    static_cast<void>(((index == I && (Codec<std::variant_alternative_t<I, Variant>>::read(
                                           from, variant.template emplace<I>()),
                                       true)) ||
                       ...));
  }
};

/// An empty one is none, so an optional of something that may itself be none would not come back.
template <class T>
struct Codec<std::optional<T>> {
  static_assert(!std::is_same_v<T, std::monostate>,
                "an optional of std::monostate cannot be sent: both its values are none");
  static void write(Encoder& to, const std::optional<T>& value) {
    if (value) {
      Codec<T>::write(to, *value);
    } else {
      to.none();
    }
  }
  static void give(Encoder& to, std::optional<T>& value)
    requires detail::Giving<T>
  {
    if (value) {
      Codec<T>::give(to, *value);
    } else {
      to.none();
    }
  }
  static void read(Decoder& from, std::optional<T>& value) {
    value.reset();
    if (!from.none()) Codec<T>::read(from, value.emplace());
  }
};

template <class T>
struct Codec<std::optional<std::optional<T>>> {
  static_assert(detail::kHasCodec<std::optional<std::optional<T>>>,
                "an optional of an optional cannot be sent: what is empty comes back as the outer");
  static void write(Encoder& to, const std::optional<std::optional<T>>& value);
  static void read(Decoder& from, std::optional<std::optional<T>>& value);
};

template <detail::Map T>
struct Codec<T> {
  using Key = typename T::key_type;
  using Value = typename T::mapped_type;
  static void write(Encoder& to, const T& map) { write_items(to, map); }
  static void give(Encoder& to, T& map)
    requires detail::Giving<Value>
  {
    write_items(to, map);
  }
  static void read(Decoder& from, T& map) {
    map.clear();
    const std::size_t count = from.open_dict();
    for (std::size_t i = 0; i < count && !from.failed(); ++i) {
      Key key{};
      Codec<Key>::read(from, key);
      Codec<Value>::read(from, map[std::move(key)]);
    }
    from.close();
  }

 private:
  template <class Given>
  static void write_items(Encoder& to, Given& map) {
    to.open_dict(map.size());
    for (auto& [key, value] : map) {
      detail::write_item(to, key);
      detail::write_item(to, value);
    }
    to.close();
  }
};

namespace detail {

// A codec without its type, for the functions of queues and pipes that are no templates.
struct ValueWrite {
  const void* value;
  void (*write)(Encoder& to, const void* value);
  NumberType number{};
};
struct ValueRead {
  void* value;
  void (*read)(Decoder& from, void* value);
  NumberType number{};
};

template <class T>
ValueWrite write_of(const T& value) noexcept {
  return {&value,
          [](Encoder& to, const void* from) { Codec<T>::write(to, *static_cast<const T*>(from)); },
          number_type<T>()};
}
// Of a value that nobody needs afterwards, if it was sent.
template <Giving T>
ValueWrite give_of(T& value) noexcept {
  return {&value, [](Encoder& to, const void* from) {
            Codec<T>::give(to, *static_cast<T*>(const_cast<void*>(from)));
          }};
}
template <class T>
ValueRead read_of(T& value) noexcept {
  return {&value, [](Decoder& from, void* to) { Codec<T>::read(from, *static_cast<T*>(to)); },
          number_type<T>()};
}

}  // namespace detail

}  // namespace onecopy
