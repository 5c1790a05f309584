#include "message/value_writer.hpp"

namespace onecopy::message {

void ValueWriter::flag_remembered() noexcept {
  flagged_ = true;
  // Without memory for the prefix there is no message to flag.
  if (buffer_.size() >= 2) buffer_.data()[1] |= static_cast<std::byte>(kHasRemembered);
}

void ValueWriter::array_head(Tag tag_value, const ArrayHead& head, bool remember,
                             std::uint8_t bits) noexcept {
  assert(head.shape.size() <= kMaximumDimensions);
  tag(tag_value, remember, bits);
  buffer_.append_plain(head.type);
  buffer_.append_byte(static_cast<std::uint8_t>((head.fortran_order ? kFortranOrder : 0) |
                                                (head.read_only ? kReadOnly : 0)));
  buffer_.append_byte(static_cast<std::uint8_t>(head.shape.size()));
  buffer_.append(head.shape.data(), head.shape.size_bytes());
  if (remember) ++remembered_;
}

void ValueWriter::record_head(std::uint64_t type_hash, std::size_t size_of_one, std::size_t count,
                              std::uint8_t bits) noexcept {
  tag(Tag::record, false, bits);
  buffer_.append_plain(type_hash);
  buffer_.append_size(size_of_one);
  buffer_.append_size(count);
}

}  // namespace onecopy::message
