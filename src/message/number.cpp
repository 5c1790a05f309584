#include "message/number.hpp"

#include <cstdint>
#include <cstring>
#include <limits>

#include "message/value_reader.hpp"
#include "message/value_writer.hpp"

namespace onecopy::message {
namespace {

using detail::Number;
using detail::NumberType;

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

}  // namespace

bool write_number(ByteBuffer& body, detail::ValueWrite value) noexcept {
  const NumberType type = value.number;
  switch (type.kind) {
    case Number::none:
      return false;
    case Number::signed_integer:
      ValueWriter(body).integer(load_signed(type, value.value));
      return true;
    case Number::unsigned_integer: {
      const std::uint64_t number = load_unsigned(type, value.value);
      if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return false;
      ValueWriter(body).integer(static_cast<std::int64_t>(number));
      return true;
    }
    case Number::real:
      ValueWriter(body).real(type.bytes == sizeof(float) ? double{load_as<float>(value.value)}
                                                         : load_as<double>(value.value));
      return true;
  }
  return false;
}

bool read_number(std::span<const std::byte> body, detail::ValueRead value) noexcept {
  const NumberType type = value.number;
  if (!is_number(type)) return false;
  ValueReader reader(body, {});
  Item item;
  if (!reader.next(item) || !reader.finish()) return false;
  if (type.kind == Number::real) {
    if (item.tag != Tag::real) return false;
    if (type.bytes == sizeof(float)) {
      const auto narrow = static_cast<float>(item.real);
      std::memcpy(value.value, &narrow, sizeof narrow);
    } else {
      std::memcpy(value.value, &item.real, sizeof item.real);
    }
    return true;
  }
  if (item.tag != Tag::integer || !is_within(type, item.integer)) return false;
  // The lowest bytes come first (docs/layout/message.md).
  std::memcpy(value.value, &item.integer, type.bytes);
  return true;
}

}  // namespace onecopy::message
