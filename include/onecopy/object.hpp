/// \file
/// A value whose type is known only at run time: what Python's mixed dicts, lists and tuples are in
/// C++, and the way back.
///
///     onecopy::Queue<onecopy::Object> queue;
///     onecopy::Object frame = queue.get();               // {"name": "x", "data": array, "n": 3}
///     std::printf("%s\n", frame["name"].string().c_str());
///     auto data = frame["data"].array().view<double>();  // no copy; NdArray, onecopy/nd_view.hpp
///     onecopy::Object answer = onecopy::Object::Dict();
///     answer["n"] = frame["n"].integer() + 1;
///     answer["data"] = std::move(frame["data"]);
///     queue.put(std::move(answer));                      // no copy of the array here either
///
/// It holds none, a bool, an integer, a float, a complex number, a string, bytes, an array of
/// numbers of any type, lists, tuples and dicts of such objects, or, of a message that only
/// Python's pickle can read, an Opaque. So a Queue<Object> takes whatever Python puts. An Object is
/// a value: what the sender had twice in one object is there twice (arrays as onecopy/nd_view.hpp
/// says). Where the types are known, a queue of std::vector<double>, std::map<std::string, double>
/// and the like is quicker and smaller.
///
/// The functions by the name of a kind throw onecopy::Exception (Error::invalid, and what was
/// wanted and what is there) where the object is of another kind; kind(), find() and variant() ask.
/// One thread at a time may use an Object that anybody changes.
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

/// An integer of more than 64 bits: two's complement, little endian.
struct BigInteger {
  /// From the lowest byte to the highest, whose first bit is the sign.
  std::vector<std::byte> digits;
  /// By the bytes.
  bool operator==(const BigInteger&) const = default;
};

/// One value of any kind, which can be moved and not copied: an array that it holds would have to
/// be. It costs what the standard type costs that it holds. The head of object.hpp says who may use
/// one, and what of it is copied when it is sent.
class Object {
 public:
  /// What bytes are.
  using Bytes = std::vector<std::byte>;
  /// What a list is.
  using List = std::vector<Object>;
  /// What a tuple is: a list of another name.
  struct Tuple {
    std::vector<Object> items;  ///< in their order
  };
  /// Keys and values in the order in which they were added, as Python keeps them. Looked for one
  /// after the other.
  class Dict {
   public:
    /// A key and its value.
    using Item = std::pair<Object, Object>;

    /// How many items.
    std::size_t size() const noexcept { return items_.size(); }
    /// All of them, to be read only.
    const std::vector<Item>& items() const noexcept { return items_; }
    /// All of them.
    std::vector<Item>& items() noexcept { return items_; }
    /// The value of the string `key`; null where there is none. Looks at each item.
    Object* find(std::string_view key) noexcept;
    /// The same, to be read only.
    const Object* find(std::string_view key) const noexcept;
    /// The value of the string `key`; where there is none, a new one that is none. Looks at each
    /// item.
    Object& operator[](std::string_view key);
    /// One more item, of any key. Nothing looks whether it is there: of two, Python has the last.
    void add(Object key, Object value);

   private:
    std::vector<Item> items_;
  };
  /// What an Object can hold: the kinds in the order of ValueKind, but for record, which no Object
  /// holds.
  using Variant =
      std::variant<std::monostate, bool, std::int64_t, BigInteger, double, Decoder::Complex,
                   std::string, Bytes, List, Tuple, Dict, NdArray, Opaque>;

  Object() noexcept = default;  ///< none
  /// A truth value.
  template <std::same_as<bool> T>
  Object(T value) noexcept : value_(value) {}
  /// An integer; a BigInteger where it has no room in 64 bits with a sign.
  template <std::integral T>
    requires(!std::is_same_v<T, bool>)
  Object(T value) : value_(of_integer(value)) {}
  /// A floating-point number.
  template <std::floating_point T>
  Object(T value) noexcept : value_(static_cast<double>(value)) {}
  /// A complex number.
  Object(Decoder::Complex value) noexcept : value_(value) {}
  /// A complex number.
  template <detail::Complex T>
  Object(const T& value) noexcept : value_(Decoder::Complex{value.real(), value.imag()}) {}
  /// A large integer.
  Object(BigInteger value) noexcept : value_(std::move(value)) {}
  /// A string.
  Object(std::string value) noexcept : value_(std::move(value)) {}
  /// A copy of a string.
  Object(std::string_view value) : value_(std::string(value)) {}
  /// A copy of a string.
  Object(const char* value) : value_(std::string(value)) {}
  /// Bytes.
  Object(Bytes value) noexcept : value_(std::move(value)) {}
  /// A list.
  Object(List items) noexcept : value_(std::move(items)) {}
  /// A tuple.
  Object(Tuple items) noexcept : value_(std::move(items)) {}
  /// A dict.
  Object(Dict items) noexcept : value_(std::move(items)) {}
  /// An array, in the memory that it lies in.
  Object(NdArray array) noexcept : value_(std::move(array)) {}
  /// An array, in the memory that it lies in.
  template <class T, std::size_t Rank>
  Object(NdView<T, Rank> array) noexcept : value_(NdArray(std::move(array))) {}
  /// What only Python's pickle can read.
  Object(Opaque message) noexcept : value_(std::move(message)) {}
  /// Takes over what the other holds.
  Object(Object&&) noexcept = default;
  /// Drops what it holds; then as the constructor.
  Object& operator=(Object&&) noexcept = default;

  /// What it holds.
  ValueKind kind() const noexcept;
  /// Whether it is none.
  bool is_none() const noexcept { return value_.index() == 0; }
  /// What it holds, for std::visit and std::get_if.
  Variant& variant() noexcept { return value_; }
  /// The same, to be read only.
  const Variant& variant() const noexcept { return value_; }

  /// The truth value that it is.
  bool boolean() const { return *wanted(std::get_if<bool>(&value_), "a truth value"); }
  /// The integer that it is, of at most 64 bits.
  std::int64_t integer() const {
    return *wanted(std::get_if<std::int64_t>(&value_), "an integer of at most 64 bits");
  }
  double real() const;  ///< the floating-point number that it is; an integer will do
  /// The complex number that it is; an integer or a float will do.
  Decoder::Complex complex() const;
  /// The string that it is.
  const std::string& string() const {
    return *wanted(std::get_if<std::string>(&value_), "a string");
  }
  /// The bytes that it is.
  const Bytes& bytes() const { return *wanted(std::get_if<Bytes>(&value_), "bytes"); }
  List& list();  ///< the items of the list or tuple that it is
  /// The same, to be read only.
  const List& list() const;
  /// The dict that it is.
  Dict& dict() { return *wanted(std::get_if<Dict>(&value_), "a dictionary"); }
  /// The same, to be read only.
  const Dict& dict() const { return *wanted(std::get_if<Dict>(&value_), "a dictionary"); }
  /// The array that it is.
  NdArray& array() { return *wanted(std::get_if<NdArray>(&value_), "an array"); }
  /// The same, to be read only.
  const NdArray& array() const { return *wanted(std::get_if<NdArray>(&value_), "an array"); }
  /// The Opaque that it is.
  Opaque& opaque() { return *wanted(std::get_if<Opaque>(&value_), "an Opaque"); }
  /// The same, to be read only.
  const Opaque& opaque() const { return *wanted(std::get_if<Opaque>(&value_), "an Opaque"); }

  /// Of a list or tuple: its item at that place; throws where there is none.
  Object& operator[](std::size_t index);
  /// The same, to be read only.
  const Object& operator[](std::size_t index) const;
  /// How many items a list, tuple or dict has.
  std::size_t size() const;
  /// Of a dict: the value of that key. Where there is none, adds one, which is none; makes a dict
  /// of what is none. Looks at each item.
  Object& operator[](std::string_view key);
  /// As at().
  const Object& operator[](std::string_view key) const { return at(key); }
  /// Of a dict: the value of that key; throws where there is none. Looks at each item.
  const Object& at(std::string_view key) const;
  /// Of a dict: the value of that key; null where there is none. Looks at each item.
  Object* find(std::string_view key) { return dict().find(key); }
  /// The same, to be read only.
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
