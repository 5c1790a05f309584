// The value format: tags, data types and limits that writer and reader share.
//
// A value is a tag byte and what belongs to it, little endian, containers before their items; the
// whole is written down in docs/layout/message.md. Constants only.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace onecopy::message {

static_assert(std::endian::native == std::endian::little);

// Containers within containers; the outermost value is at depth 0. As deep as Python recurses.
inline constexpr std::uint32_t kMaximumDepth = 1000;
inline constexpr std::uint32_t kMaximumDimensions = 64;

// The tag byte is a Tag and these bits; or kSmallInteger and an integer of 0..63.
inline constexpr std::uint8_t kTagMask = 0x1f;
inline constexpr std::uint8_t kInBlock = 0x20;       // the data are in a block, not in the body
inline constexpr std::uint8_t kSmallInteger = 0x40;  // excludes every other bit but the low six
inline constexpr std::uint8_t kRemember = 0x80;      // gets the next number for references

enum class Tag : std::uint8_t {
  none = 1,
  false_ = 2,       // NOLINT(readability-identifier-naming): the bare word is a keyword
  true_ = 3,        // NOLINT(readability-identifier-naming)
  integer = 4,      // i64
  integer_8 = 5,    // i8; a reader calls it integer
  integer_32 = 6,   // i32; a reader calls it integer
  big_integer = 7,  // size, two's complement
  real = 8,         // f64
  complex = 9,      // f64 real, f64 imaginary
  string = 10,      // size, UTF-8 (bytes of lone surrogates are passed on as given); or in a block
  bytes = 11,       // size, bytes; or in a block
  list = 12,        // count, items
  tuple = 13,       // count, items
  dict = 14,        // count, (key, value) in order
  reals = 15,       // a list of floats: count, f64 each; or in a block
  integers = 16,    // a list of integers: count, i64 each; or in a block
  array = 17,       // data type, flags, dimensions, shape (u64 each), data or a block and an offset
  record = 18,  // C++ structs: u64 hash of the type's name, size of one, count, bytes; or a block
  reference = 19,  // number of a value remembered before
};

// Tags that may carry kRemember, and tags that may carry kInBlock, as sets of bits.
inline constexpr std::uint32_t tag_bit(Tag tag) { return 1u << static_cast<unsigned>(tag); }
inline constexpr std::uint32_t kMayBeRemembered =
    tag_bit(Tag::string) | tag_bit(Tag::bytes) | tag_bit(Tag::list) | tag_bit(Tag::tuple) |
    tag_bit(Tag::dict) | tag_bit(Tag::reals) | tag_bit(Tag::integers) | tag_bit(Tag::array);
inline constexpr std::uint32_t kMayBeInBlock = tag_bit(Tag::string) | tag_bit(Tag::bytes) |
                                               tag_bit(Tag::reals) | tag_bit(Tag::integers) |
                                               tag_bit(Tag::array) | tag_bit(Tag::record);

// "a list", for messages that say what was found.
const char* name_of(Tag tag) noexcept;

enum class DataType : std::uint8_t {
  boolean = 1,
  i8 = 2,
  i16 = 3,
  i32 = 4,
  i64 = 5,
  u8 = 6,
  u16 = 7,
  u32 = 8,
  u64 = 9,
  f16 = 10,
  f32 = 11,
  f64 = 12,
  c64 = 13,
  c128 = 14,
  // The size is part of the code, so that a machine with another long double refuses it.
  long_double = 0x40 | sizeof(long double),
};

// Bytes of one element; 0 for what is no data type.
constexpr std::size_t item_size(DataType type) noexcept {
  switch (type) {
    case DataType::boolean:
    case DataType::i8:
    case DataType::u8:
      return 1;
    case DataType::i16:
    case DataType::u16:
    case DataType::f16:
      return 2;
    case DataType::i32:
    case DataType::u32:
    case DataType::f32:
      return 4;
    case DataType::i64:
    case DataType::u64:
    case DataType::f64:
    case DataType::c64:
      return 8;
    case DataType::c128:
      return 16;
    case DataType::long_double:
      return sizeof(long double);
  }
  return 0;
}

// "float64", for messages that say what was found.
const char* name_of(DataType type) noexcept;

// Flags of an array.
inline constexpr std::uint8_t kFortranOrder = 0x01;
inline constexpr std::uint8_t kReadOnly = 0x02;

}  // namespace onecopy::message
