#include "message/body_cursor.hpp"

namespace onecopy::message {

bool BodyCursor::take_long_size(std::uint8_t first, std::uint64_t& value) noexcept {
  if (first == 254) {
    std::uint32_t four = 0;
    if (!take_plain(four)) return false;
    value = four;
    return four >= 254 || fail(Fault::bad_length);
  }
  if (!take_plain(value)) return false;
  return (value > 0xffffffffu && value < kLongest) || fail(Fault::bad_length);
}

bool BodyCursor::take_padding() noexcept {
  const std::size_t missing = (kInlineAlignment - position() % kInlineAlignment) % kInlineAlignment;
  if (spare() < missing) return fail(Fault::truncated);
  cursor_ += missing;
  return true;
}

}  // namespace onecopy::message
