// A value whose type is known only at run time: what Python's mixed dicts, lists and tuples are in
// C++, and the way back.
//
//   onecopy::Queue<onecopy::Object> queue;
//   onecopy::Object frame = queue.get();               // {"name": "x", "data": array, "n": 3}
//   std::printf("%s\n", frame["name"].string().c_str());
//   auto data = frame["data"].array().view<double>();  // no copy; NdArray, onecopy/nd_view.hpp
//   onecopy::Object answer = onecopy::Object::Dict();
//   answer["n"] = frame["n"].integer() + 1;
//   answer["data"] = std::move(frame["data"]);
//   queue.put(std::move(answer));                      // no copy of the array here either
//
// It holds none, a bool, an integer, a float, a complex number, a string, bytes, an array of
// numbers of any type, lists, tuples and dicts of such objects, or, of a message that only Python's
// pickle can read, an Opaque. So a Queue<Object> takes whatever Python puts. An Object is a value:
// what the sender had twice in one object is there twice (arrays as onecopy/nd_view.hpp says).
// Where the types are known, a queue of std::vector<double>, std::map<std::string, double> and the
// like is quicker and smaller.
//
// The functions by the name of a kind throw onecopy::Exception (Error::invalid, and what was wanted
// and what is there) where the object is of another kind; kind(), find() and variant() ask. One
// thread at a time may use an Object that anybody changes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <onecopy/codec.hpp>
#include <onecopy/encoding.hpp>
#include <onecopy/nd_view.hpp>
#include <onecopy/opaque.hpp>

namespace [[gnu::visibility("default")]] onecopy {

// An integer of more than 64 bits: two's complement, little endian.
struct BigInteger {
  std::vector<std::byte> digits;
  bool operator==(const BigInteger&) const = default;
};

class Object {
 public:
  using Bytes = std::vector<std::byte>;
  using List = std::vector<Object>;
  struct Tuple {
    std::vector<Object> items;
  };
  // Keys and values in the order in which they were added, as Python keeps them. Looked for one
  // after the other.
  class Dict {
   public:
    using Item = std::pair<Object, Object>;

    std::size_t size() const noexcept { return items_.size(); }
    const std::vector<Item>& items() const noexcept { return items_; }
    std::vector<Item>& items() noexcept { return items_; }
    // The value of the string `key`; null where there is none.
    Object* find(std::string_view key) noexcept;
    const Object* find(std::string_view key) const noexcept;
    // The same; where there is none, a new one that is none.
    Object& operator[](std::string_view key);
    // Of any key. Nothing looks whether it is there: of two, Python has the last.
    void add(Object key, Object value);

   private:
    std::vector<Item> items_;
  };
  // The kinds in the order of ValueKind, but for record, which no Object holds.
  using Variant =
      std::variant<std::monostate, bool, std::int64_t, BigInteger, double, Decoder::Complex,
                   std::string, Bytes, List, Tuple, Dict, NdArray, Opaque>;

  Object() noexcept = default;  // none
  template <std::same_as<bool> T>
  Object(T value) noexcept : value_(value) {}
  template <std::integral T>
    requires(!std::is_same_v<T, bool>)
  Object(T value) : value_(of_integer(value)) {}
  template <std::floating_point T>
  Object(T value) noexcept : value_(static_cast<double>(value)) {}
  Object(Decoder::Complex value) noexcept : value_(value) {}
  template <detail::Complex T>
  Object(const T& value) noexcept : value_(Decoder::Complex{value.real(), value.imag()}) {}
  Object(BigInteger value) noexcept : value_(std::move(value)) {}
  Object(std::string value) noexcept : value_(std::move(value)) {}
  Object(std::string_view value) : value_(std::string(value)) {}
  Object(const char* value) : value_(std::string(value)) {}
  Object(Bytes value) noexcept : value_(std::move(value)) {}
  Object(List items) noexcept : value_(std::move(items)) {}
  Object(Tuple items) noexcept : value_(std::move(items)) {}
  Object(Dict items) noexcept : value_(std::move(items)) {}
  Object(NdArray array) noexcept : value_(std::move(array)) {}
  template <class T, std::size_t Rank>
  Object(NdView<T, Rank> array) noexcept : value_(NdArray(std::move(array))) {}
  Object(Opaque message) noexcept : value_(std::move(message)) {}
  Object(Object&&) noexcept = default;
  Object& operator=(Object&&) noexcept = default;

  ValueKind kind() const noexcept;
  bool is_none() const noexcept { return value_.index() == 0; }
  // For std::visit and std::get_if.
  Variant& variant() noexcept { return value_; }
  const Variant& variant() const noexcept { return value_; }

  bool boolean() const { return *wanted(std::get_if<bool>(&value_), "a truth value"); }
  std::int64_t integer() const {
    return *wanted(std::get_if<std::int64_t>(&value_), "an integer of at most 64 bits");
  }
  double real() const;               // an integer will do
  Decoder::Complex complex() const;  // so will a float
  const std::string& string() const {
    return *wanted(std::get_if<std::string>(&value_), "a string");
  }
  const Bytes& bytes() const { return *wanted(std::get_if<Bytes>(&value_), "bytes"); }
  List& list();  // of a tuple, too
  const List& list() const;
  Dict& dict() { return *wanted(std::get_if<Dict>(&value_), "a dictionary"); }
  const Dict& dict() const { return *wanted(std::get_if<Dict>(&value_), "a dictionary"); }
  NdArray& array() { return *wanted(std::get_if<NdArray>(&value_), "an array"); }
  const NdArray& array() const { return *wanted(std::get_if<NdArray>(&value_), "an array"); }
  Opaque& opaque() { return *wanted(std::get_if<Opaque>(&value_), "an Opaque"); }
  const Opaque& opaque() const { return *wanted(std::get_if<Opaque>(&value_), "an Opaque"); }

  // Of a list or tuple: its item at that place; throws where there is none. Of a dict: how many.
  Object& operator[](std::size_t index);
  const Object& operator[](std::size_t index) const;
  std::size_t size() const;
  // Of a dict: the value of that key. Where there is none, the first adds one, which is none, and
  // makes a dict of what is none; the others throw, or answer null.
  Object& operator[](std::string_view key);
  const Object& operator[](std::string_view key) const { return at(key); }
  const Object& at(std::string_view key) const;
  Object* find(std::string_view key) { return dict().find(key); }
  const Object* find(std::string_view key) const { return dict().find(key); }

 private:
  template <class T>
  static Variant of_integer(T value) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(std::int64_t)) {
      return of_unsigned(value);
    } else {
      return static_cast<std::int64_t>(value);
    }
  }
  static Variant of_unsigned(std::uint64_t value);
  template <class T>
  T* wanted(T* found, const char* what) const {
    if (found == nullptr) throw_wanted(what);
    return found;
  }
  [[noreturn]] void throw_wanted(const char* what) const;

  Variant value_;
};

template <>
struct Codec<Object> {
  static void write(Encoder& to, const Object& object);
  static void give(Encoder& to, Object& object);
  static void read(Decoder& from, Object& object);
};

}  // namespace onecopy
