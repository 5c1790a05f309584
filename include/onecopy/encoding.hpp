/// \file
/// The two ends of a message for a type's Codec (onecopy/codec.hpp): an Encoder writes one value, a
/// Decoder reads one, piece by piece.
///
/// An Encoder or Decoder belongs to the one call that it was made for, on one thread. After the
/// first failure both do nothing more: a Decoder then answers zeros and empty sequences, and the
/// value read is thrown away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include <onecopy/error.hpp>

namespace [[gnu::visibility("default")]] onecopy {

class NdArray;
class Opaque;

namespace detail {
class SharedMemory;
struct NdWanted;
}  // namespace detail

/// What the elements of an array are. The numbers are those of the message format.
enum class ElementType : std::uint8_t {
  boolean = 1,      ///< a byte, 0 or 1
  int8 = 2,         ///< std::int8_t
  int16 = 3,        ///< std::int16_t
  int32 = 4,        ///< std::int32_t
  int64 = 5,        ///< std::int64_t
  uint8 = 6,        ///< std::uint8_t
  uint16 = 7,       ///< std::uint16_t
  uint32 = 8,       ///< std::uint32_t
  uint64 = 9,       ///< std::uint64_t
  float16 = 10,     ///< Float16 (onecopy/nd_view.hpp)
  float32 = 11,     ///< float
  float64 = 12,     ///< double
  complex64 = 13,   ///< `std::complex<float>`
  complex128 = 14,  ///< `std::complex<double>`
  /// long double, by its size, so that a machine with another one refuses it.
  long_double = 0x40 | sizeof(long double),
};

/// What a value of a message is, for who does not know beforehand.
enum class ValueKind : std::uint8_t {
  none,         ///< Python's None, std::nullopt, std::monostate
  boolean,      ///< a truth value
  integer,      ///< of at most 64 bits, signed
  big_integer,  ///< any other
  real,         ///< a floating-point number
  complex,      ///< a complex number
  string,       ///< UTF-8
  bytes,        ///< of any content
  list,         ///< of values of any kind
  tuple,        ///< of values of any kind
  dict,         ///< pairs of values of any kind
  array,        ///< of any number of dimensions
  record,       ///< C++ structs
  opaque,       ///< the whole message is what only Python's pickle can read
};

/// Writes one value, for one call on one thread. Large data are copied once, into memory that the
/// receiver will see, or, where they are given, handed over in the memory that they lie in;
/// anything else costs some nanoseconds.
class Encoder {
 public:
  /// The engine's own.
  struct State;
  /// Called by the engine.
  explicit Encoder(State& state) noexcept : state_(state) {}
  /// It belongs to one call.
  Encoder(const Encoder&) = delete;
  /// It belongs to one call.
  Encoder& operator=(const Encoder&) = delete;

  /// Writes Python's None.
  void none();
  /// Writes a truth value.
  void boolean(bool value);
  /// Writes an integer.
  void integer(std::int64_t value);
  /// Writes an integer.
  void unsigned_integer(std::uint64_t value);
  /// Writes an integer of any length: two's complement, little endian.
  void big_integer(std::span<const std::byte> digits);
  /// Writes a floating-point number.
  void real(double value);
  /// Writes a complex number.
  void complex(double real, double imaginary);
  /// Writes text; bytes, where it is not UTF-8. Reads it through once to know.
  void string(std::string_view text);
  /// Writes bytes.
  void bytes(std::span<const std::byte> data);
  /// Writes a one-dimensional array, or with `single` one element on its own.
  void array(ElementType type, const void* data, std::size_t count, bool single = false);
  /// Writes a reference to a one-dimensional array that stays where it is (onecopy/shared.hpp).
  void shared_array(ElementType type, const detail::SharedMemory& memory, std::size_t count);
  /// Writes an array of any number of dimensions (onecopy/nd_view.hpp), copied.
  void nd_array(const NdArray& array);
  /// The same, in the memory that it lies in where that can be handed over. The array is empty once
  /// the message is sent.
  void give(NdArray& array);
  /// Writes what only Python's pickle can read (onecopy/opaque.hpp), copied. It is always a whole
  /// message.
  void opaque(const Opaque& message);
  /// The same, in the memory that it lies in. It is empty once the message is sent.
  void give(Opaque& message);
  /// Writes structs as bytes, told apart by a hash of their type's name.
  void record(std::uint64_t type_hash, std::size_t size_of_one, std::size_t count,
              const void* data);

  /// Begins a list: so many items follow, then close().
  void open_list(std::size_t count);
  /// Begins a tuple: so many items follow, then close().
  void open_tuple(std::size_t count);
  /// Begins a dict: so many pairs follow, key, value, key, value, then close().
  void open_dict(std::size_t count);
  /// Ends the list, tuple or dict that was begun last.
  void close();

  /// Gives up: the value cannot be sent, for this reason.
  void fail(Failure failure);
  /// Whether it has given up; then all else does nothing.
  bool failed() const;

 private:
  State& state_;
};

/// Reads one value, for one call on one thread. What it gives as a pointer, span or view lives
/// until the reading ends. A value of another kind than is asked for is a failure, which says what
/// was wanted and what came. Nothing is copied but what is returned by value.
class Decoder {
 public:
  /// The engine's own.
  struct State;
  /// Called by the engine.
  explicit Decoder(State& state) noexcept : state_(state) {}
  /// It belongs to one call.
  Decoder(const Decoder&) = delete;
  /// It belongs to one call.
  Decoder& operator=(const Decoder&) = delete;

  /// What the next value is; none after a failure.
  ValueKind next();
  /// True where the next value is none, which is then read.
  bool none();
  /// Reads a truth value.
  bool boolean();
  /// Reads an integer; a failure where it is less than `least` or more than `most`.
  std::int64_t integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t most = std::numeric_limits<std::int64_t>::max());
  /// Reads an integer; a failure where it is less than 0 or more than `most`.
  std::uint64_t unsigned_integer(std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  /// Reads an integer of any length: two's complement, little endian.
  std::span<const std::byte> big_integer();
  double real();  ///< reads a floating-point number; an integer will do
  /// A complex number: `<complex>` is dear to compile.
  struct Complex {
    double real = 0;       ///< its real part
    double imaginary = 0;  ///< its imaginary part
    /// By both parts.
    bool operator==(const Complex&) const = default;
  };
  Complex complex();  ///< reads a complex number; a real one will do
  /// Reads a string, or bytes as one.
  std::string_view text();
  /// Reads bytes.
  std::span<const std::byte> bytes();

  /// Elements of an array that lie side by side.
  struct Elements {
    const void* data = nullptr;  ///< the first of them; it may be unaligned
    std::size_t count = 0;       ///< how many
  };
  /// Where the next value is a one-dimensional array of that type, shared or not (a list of floats
  /// counts as float64, one of integers as int64, bytes as uint8), reads it whole; else false, and
  /// nothing was read. With `single`, the same for one element on its own.
  bool array(ElementType type, Elements& elements, bool single = false);
  /// Reads a one-dimensional shared array of that type, of which the handle is opened here.
  void shared_array(ElementType type, detail::SharedMemory& memory);
  /// Reads an array of any number of dimensions, of which the memory itself is handed out.
  void nd_array(const detail::NdWanted& wanted, NdArray& array);
  /// Reads what only Python's pickle can read.
  void opaque(Opaque& message);
  /// Reads structs of that hash and size.
  Elements record(std::uint64_t type_hash, std::size_t size_of_one);

  /// Begins a list, tuple or one-dimensional array: how many items follow. Then close().
  std::size_t open_sequence();
  /// Begins a dict: how many pairs follow, key, value, key, value. Then close().
  std::size_t open_dict();
  /// Ends the list, tuple, array or dict that was begun last; a failure where not all of it was
  /// read.
  void close();

  /// Gives up: the value is not what was wanted.
  void fail(Failure failure);
  /// Whether it has given up; then all else answers zeros and empty sequences.
  bool failed() const;

 private:
  State& state_;
};

}  // namespace onecopy
