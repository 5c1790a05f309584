// The two ends of a message for a type's Codec (onecopy/codec.hpp): an Encoder writes one value, a
// Decoder reads one, piece by piece.
//
// An Encoder or Decoder belongs to the one call that it was made for, on one thread. After the
// first failure both do nothing more: a Decoder then answers zeros and empty sequences, and the
// value read is thrown away.
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

// The elements of an array. The numbers are those of the message format.
enum class ElementType : std::uint8_t {
  boolean = 1,
  int8 = 2,
  int16 = 3,
  int32 = 4,
  int64 = 5,
  uint8 = 6,
  uint16 = 7,
  uint32 = 8,
  uint64 = 9,
  float16 = 10,
  float32 = 11,
  float64 = 12,
  complex64 = 13,
  complex128 = 14,
  // So that a machine with another long double refuses it.
  long_double = 0x40 | sizeof(long double),
};

// What a value of a message is, for who does not know beforehand.
enum class ValueKind : std::uint8_t {
  none,
  boolean,
  integer,      // of at most 64 bits, signed
  big_integer,  // any other
  real,
  complex,
  string,
  bytes,
  list,
  tuple,
  dict,
  array,   // of any number of dimensions
  record,  // C++ structs
  opaque,  // the whole message is what only Python's pickle can read
};

// Writes one value. Large data are copied once, into memory that the receiver will see, or, where
// they are given, handed over in the memory that they lie in.
class Encoder {
 public:
  struct State;
  explicit Encoder(State& state) noexcept : state_(state) {}
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void none();
  void boolean(bool value);
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  // Two's complement, little endian, of any length.
  void big_integer(std::span<const std::byte> digits);
  void real(double value);
  void complex(double real, double imaginary);
  void string(std::string_view text);
  void bytes(std::span<const std::byte> data);
  // A one-dimensional array, or with `single` one element on its own.
  void array(ElementType type, const void* data, std::size_t count, bool single = false);
  // A one-dimensional array that stays where it is (onecopy/shared.hpp).
  void shared_array(ElementType type, const detail::SharedMemory& memory, std::size_t count);
  // An array of any number of dimensions (onecopy/nd_view.hpp), copied; or given, which empties it
  // once the message is sent.
  void nd_array(const NdArray& array);
  void give(NdArray& array);
  // What only Python's pickle can read (onecopy/opaque.hpp). It is always a whole message.
  void opaque(const Opaque& message);
  void give(Opaque& message);
  // Structs as bytes, told apart by a hash of their type's name.
  void record(std::uint64_t type_hash, std::size_t size_of_one, std::size_t count,
              const void* data);

  // The items follow, then close(). A dict has `count` pairs: key, value, key, value.
  void open_list(std::size_t count);
  void open_tuple(std::size_t count);
  void open_dict(std::size_t count);
  void close();

  // Gives up: the value cannot be sent, for this reason.
  void fail(Failure failure);
  bool failed() const;

 private:
  State& state_;
};

// Reads one value. What it gives as a pointer, span or view lives until the reading ends.
class Decoder {
 public:
  struct State;
  explicit Decoder(State& state) noexcept : state_(state) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // What the next value is; none after a failure.
  ValueKind next();
  // True where the next value is none, which is then read.
  bool none();
  bool boolean();
  std::int64_t integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t most = std::numeric_limits<std::int64_t>::max());
  std::uint64_t unsigned_integer(std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  // Two's complement, little endian.
  std::span<const std::byte> big_integer();
  double real();  // an integer will do
  struct Complex {
    double real = 0;
    double imaginary = 0;
    bool operator==(const Complex&) const = default;
  };
  Complex complex();  // a real number will do
  // Of a string or bytes.
  std::string_view text();
  std::span<const std::byte> bytes();

  // Where the next value is a one-dimensional array of that type, shared or not (a list of floats
  // counts as float64, one of integers as int64, bytes as uint8), reads it whole; else false, and
  // nothing was read. With `single`, the same for one element on its own.
  struct Elements {
    const void* data = nullptr;  // may be unaligned
    std::size_t count = 0;
  };
  bool array(ElementType type, Elements& elements, bool single = false);
  // A one-dimensional shared array of that type; anything else is a failure.
  void shared_array(ElementType type, detail::SharedMemory& memory);
  // An array of any number of dimensions, of which the memory itself is handed out; anything but
  // what is wanted is a failure.
  void nd_array(const detail::NdWanted& wanted, NdArray& array);
  // What only Python's pickle can read; anything else is a failure.
  void opaque(Opaque& message);
  // Structs of that hash and size; anything else is a failure.
  Elements record(std::uint64_t type_hash, std::size_t size_of_one);

  // A list, tuple or one-dimensional array: how many items follow. Then close().
  std::size_t open_sequence();
  std::size_t open_dict();
  void close();

  // Gives up: the value is not what was wanted.
  void fail(Failure failure);
  bool failed() const;

 private:
  State& state_;
};

}  // namespace onecopy
