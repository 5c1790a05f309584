// The value format: tags, sizes of elements and limits that writer and reader share.
//
// A value is a tag byte and what belongs to it, little endian, containers before their items; the
// whole is written down in docs/layout/message.md. Constants only.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <onecopy/encoding.hpp>

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
  // As array, but strides (i64 each) behind the shape, and a block that refers to a shared one.
  shared_array = 20,
};

// Tags that may carry kRemember, and tags that may carry kInBlock, as sets of bits.
inline constexpr std::uint32_t tag_bit(Tag tag) { return 1u << static_cast<unsigned>(tag); }
inline constexpr std::uint32_t kMayBeRemembered =
    tag_bit(Tag::string) | tag_bit(Tag::bytes) | tag_bit(Tag::list) | tag_bit(Tag::tuple) |
    tag_bit(Tag::dict) | tag_bit(Tag::reals) | tag_bit(Tag::integers) | tag_bit(Tag::array) |
    tag_bit(Tag::shared_array);
inline constexpr std::uint32_t kMayBeInBlock = tag_bit(Tag::string) | tag_bit(Tag::bytes) |
                                               tag_bit(Tag::reals) | tag_bit(Tag::integers) |
                                               tag_bit(Tag::array) | tag_bit(Tag::record);

// "a list", for messages that say what was found.
const char* name_of(Tag tag) noexcept;

// Bytes of one element; 0 for what is no such type.
constexpr std::size_t item_size(ElementType type) noexcept {
  switch (type) {
    case ElementType::boolean:
    case ElementType::int8:
    case ElementType::uint8:
      return 1;
    case ElementType::int16:
    case ElementType::uint16:
    case ElementType::float16:
      return 2;
    case ElementType::int32:
    case ElementType::uint32:
    case ElementType::float32:
      return 4;
    case ElementType::int64:
    case ElementType::uint64:
    case ElementType::float64:
    case ElementType::complex64:
      return 8;
    case ElementType::complex128:
      return 16;
    case ElementType::long_double:
      return sizeof(long double);
  }
  return 0;
}

// "float64", for messages that say what was found.
const char* name_of(ElementType type) noexcept;

// Flags of an array.
inline constexpr std::uint8_t kFortranOrder = 0x01;
inline constexpr std::uint8_t kReadOnly = 0x02;

}  // namespace onecopy::message
