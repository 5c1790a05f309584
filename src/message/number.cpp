#include "message/number.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "message/envelope.hpp"
#include "message/value_format.hpp"

namespace onecopy::message {
namespace {

using detail::Number;
using detail::NumberType;

constexpr std::size_t kHead = 3;  // the prefix and the tag

template <class T>
T load_as(const void* value) noexcept {
  T loaded;
  std::memcpy(&loaded, value, sizeof loaded);
  return loaded;
}

std::int64_t load_signed(NumberType type, const void* value) noexcept {
  switch (type.bytes) {
    case 1:
      return load_as<std::int8_t>(value);
    case 2:
      return load_as<std::int16_t>(value);
    case 4:
      return load_as<std::int32_t>(value);
    default:
      return load_as<std::int64_t>(value);
  }
}

std::uint64_t load_unsigned(NumberType type, const void* value) noexcept {
  switch (type.bytes) {
    case 1:
      return load_as<std::uint8_t>(value);
    case 2:
      return load_as<std::uint16_t>(value);
    case 4:
      return load_as<std::uint32_t>(value);
    default:
      return load_as<std::uint64_t>(value);
  }
}

// Whether an integer of that type may be this.
bool is_within(NumberType type, std::int64_t value) noexcept {
  const unsigned bits = 8u * type.bytes;
  if (type.kind == Number::unsigned_integer) {
    return value >= 0 && (bits == 64 || value >> bits == 0);
  }
  return bits == 64 || value >> (bits - 1) == (value < 0 ? -1 : 0);
}

// In the shortest form, as ValueWriter::integer().
void write_integer(NumberBody& body, std::int64_t value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  if (bits < 64) {
    body.set(static_cast<std::uint8_t>(kSmallInteger | bits), 0, 0);
  } else if (value == static_cast<std::int8_t>(value)) {
    body.set(static_cast<std::uint8_t>(Tag::integer_8), bits, sizeof(std::int8_t));
  } else if (value == static_cast<std::int32_t>(value)) {
    body.set(static_cast<std::uint8_t>(Tag::integer_32), bits, sizeof(std::int32_t));
  } else {
    body.set(static_cast<std::uint8_t>(Tag::integer), bits, sizeof(std::int64_t));
  }
}

// Eight bytes from `from` on, where they lie in words as NumberBody has them.
std::uint64_t load_content(const std::byte* from) noexcept {
  return load_as<std::uint64_t>(from) >> 24 |
         std::uint64_t{load_as<std::uint16_t>(from + 8)} << 40 |
         std::uint64_t{load_as<std::uint8_t>(from + 10)} << 56;
}

// An integer in whatever form; false: the body is something else, or wrong.
bool find_integer(std::span<const std::byte> body, std::int64_t& value) noexcept {
  const auto tag = static_cast<std::uint8_t>(body[2]);
  if (body.size() == kHead + sizeof(std::int64_t) &&
      tag == static_cast<std::uint8_t>(Tag::integer)) {
    value = static_cast<std::int64_t>(load_content(body.data()));
    return true;
  }
  const std::byte* const content = body.data() + kHead;
  if (body.size() == kHead && (tag & ~0x3f) == kSmallInteger) {
    value = tag & 0x3f;
  } else if (body.size() == kHead + sizeof(std::int8_t) &&
             tag == static_cast<std::uint8_t>(Tag::integer_8)) {
    value = load_as<std::int8_t>(content);
  } else if (body.size() == kHead + sizeof(std::int32_t) &&
             tag == static_cast<std::uint8_t>(Tag::integer_32)) {
    value = load_as<std::int32_t>(content);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void NumberBody::set(std::uint8_t tag, std::uint64_t content, std::size_t bytes) noexcept {
  const std::uint64_t words[2] = {kFormatVersion | std::uint64_t{tag} << 16 | content << 24,
                                  content >> 40};
  std::memcpy(bytes_, words, sizeof words);
  size_ = kHead + bytes;
}

bool write_number(NumberBody& body, const detail::ValueWrite& value) noexcept {
  const NumberType type = value.number;
  switch (type.kind) {
    case Number::none:
      return false;
    case Number::signed_integer:
      write_integer(body, load_signed(type, value.value));
      return true;
    case Number::unsigned_integer: {
      const std::uint64_t number = load_unsigned(type, value.value);
      if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return false;
      write_integer(body, static_cast<std::int64_t>(number));
      return true;
    }
    case Number::real: {
      const double number = type.bytes == sizeof(float) ? double{load_as<float>(value.value)}
                                                        : load_as<double>(value.value);
      body.set(static_cast<std::uint8_t>(Tag::real), std::bit_cast<std::uint64_t>(number),
               sizeof number);
      return true;
    }
  }
  return false;
}

bool read_number(std::span<const std::byte> body, const detail::ValueRead& value) noexcept {
  const NumberType type = value.number;
  // Of another version, or with flags: the Decoder says so.
  if (!is_number(type) || body.size() < kHead ||
      load_as<std::uint16_t>(body.data()) != kFormatVersion) {
    return false;
  }
  if (type.kind == Number::real) {
    if (body.size() != kHead + sizeof(double) ||
        static_cast<std::uint8_t>(body[2]) != static_cast<std::uint8_t>(Tag::real)) {
      return false;
    }
    const auto real = std::bit_cast<double>(load_content(body.data()));
    if (type.bytes == sizeof(float)) {
      const auto narrow = static_cast<float>(real);
      std::memcpy(value.value, &narrow, sizeof narrow);
    } else {
      std::memcpy(value.value, &real, sizeof real);
    }
    return true;
  }
  std::int64_t integer;
  if (!find_integer(body, integer) || !is_within(type, integer)) return false;
  // The lowest bytes come first (docs/layout/message.md).
  std::memcpy(value.value, &integer, type.bytes);
  return true;
}

}  // namespace onecopy::message
