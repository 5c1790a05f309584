#include "message/value_reader.hpp"

#include <algorithm>

namespace onecopy::message {

bool Item::lies_in(std::uint64_t room) const noexcept {
  if (offset > room) return false;
  if (count == 0) return true;
  auto low = static_cast<std::int64_t>(offset);
  std::int64_t high = low + static_cast<std::int64_t>(size_of_one);
  for (unsigned axis = 0; axis < dimensions; ++axis) {
    std::int64_t reach = 0;
    const auto steps = static_cast<std::int64_t>(extent(axis) - 1);
    if (__builtin_mul_overflow(stride(axis), steps, &reach)) return false;
    std::int64_t& end = reach < 0 ? low : high;
    if (__builtin_add_overflow(end, reach, &end)) return false;
  }
  return low >= 0 && high <= static_cast<std::int64_t>(room);
}

ValueReader::ValueReader(const ValueReader& first, std::size_t position) noexcept
    : ValueReader(first) {
  again_ = true;
  cursor_ = begin_ + position;
  // A reader that has met a fault has none of it repaired by reading elsewhere.
  owed_ = 1;
  if (fault_ != Fault::none || cursor_ >= end_) fail(Fault::truncated);
}

bool ValueReader::take_block(Item& item) noexcept {
  std::uint64_t number = 0;
  if (!take_size(number)) return false;
  if (!again_) {
    if (!name_block(number)) return false;
  } else if (number >= next_block_) {
    return fail(Fault::bad_block);
  }
  item.block = blocks_.indices[number];
  item.data = blocks_.data(item.block);
  return true;
}

bool ValueReader::take_other(std::uint8_t bits, Item& item) noexcept {
  item.tag = static_cast<Tag>(bits & kTagMask);
  const bool in_block = (bits & kInBlock) != 0;
  const std::uint32_t set = tag_bit(item.tag);
  if ((bits & kSmallInteger) != 0) return fail(Fault::unknown_tag);
  if (in_block && (set & kMayBeInBlock) == 0) return fail(Fault::unknown_tag);
  if ((bits & kRemember) != 0) {
    if ((set & kMayBeRemembered) == 0 || !has_remembered()) return fail(Fault::unknown_tag);
    item.remember = true;
  }
  bool taken = false;
  switch (item.tag) {
    case Tag::complex:
      return take_plain(item.real) && take_plain(item.imaginary);
    case Tag::big_integer: {
      std::uint64_t length = 0;
      return take_size(length) && take_data(length, item);
    }
    case Tag::reference:
      if (!take_size(item.count)) return false;
      return item.count < remembered_ || fail(Fault::bad_reference);
    case Tag::list:
    case Tag::tuple:
      return open(1, item);  // numbered by leave()
    case Tag::dict:
      return open(2, item);
    case Tag::record:
      return take_record(in_block, item);
    case Tag::string:
    case Tag::bytes:
      if (in_block) {
        taken = take_block(item) && take_size(item.length);
        if (taken && item.length > blocks_.length(item.block)) return fail(Fault::bad_length);
      } else {
        std::uint64_t length = 0;
        taken = take_size(length) && take_data(length, item);
      }
      break;
    case Tag::reals:
    case Tag::integers:
      taken = take_packed(in_block, item);
      break;
    case Tag::array:
      taken = take_array(in_block, item);
      break;
    case Tag::shared_array:
      taken = take_shared_array(item);
      break;
    default:
      return fail(Fault::unknown_tag);
  }
  if (taken && item.remember && !again_) ++remembered_;
  return taken;
}

bool ValueReader::take_packed(bool in_block, Item& item) noexcept {
  if (in_block) {
    if (!take_block(item) || !take_size(item.count)) return false;
    if (item.count > blocks_.length(item.block) / 8) return fail(Fault::bad_length);
    item.length = 8 * item.count;
    return true;
  }
  if (!take_size(item.count)) return false;
  if (item.count > spare() / 8) return fail(Fault::truncated);
  return take_data(8 * item.count, item);
}

bool ValueReader::take_words(unsigned count, const std::byte*& words) noexcept {
  if (spare() < std::uint64_t{8} * count) return fail(Fault::truncated);
  words = cursor_;
  cursor_ += std::size_t{8} * count;
  return true;
}

bool ValueReader::take_array_head(std::uint8_t known_flags, Item& item) noexcept {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  if (!take_plain(type) || !take_plain(flags) || !take_plain(item.dimensions)) return false;
  item.data_type = static_cast<ElementType>(type);
  item.size_of_one = item_size(item.data_type);
  if (item.size_of_one == 0) return fail(Fault::unknown_tag);
  if ((flags & ~known_flags) != 0) return fail(Fault::unknown_tag);
  item.fortran_order = (flags & kFortranOrder) != 0;
  item.read_only = (flags & kReadOnly) != 0;
  if (item.dimensions > kMaximumDimensions) return fail(Fault::bad_length);
  if (!take_words(item.dimensions, item.shape)) return false;

  // The product of the extents that are not 0 must be a possible size too: a shape like
  // (0, 2**62, 2**62) is empty and still more than anybody can hold a view on.
  std::uint64_t bytes = item.size_of_one;
  bool empty = false;
  for (unsigned i = 0; i < item.dimensions; ++i) {
    const std::uint64_t extent = item.extent(i);
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, extent, &bytes) || bytes >= kLongest) {
      return fail(Fault::bad_length);
    }
  }
  item.count = empty ? 0 : bytes / item.size_of_one;
  return true;
}

bool ValueReader::take_array(bool in_block, Item& item) noexcept {
  if (!take_array_head(kFortranOrder | kReadOnly, item)) return false;
  const std::uint64_t length = item.count * item.size_of_one;
  if (in_block) {
    std::uint64_t offset = 0;
    if (!take_block(item) || !take_size(offset)) return false;
    const std::uint64_t room = blocks_.length(item.block);
    if (offset > room || length > room - offset) return fail(Fault::bad_length);
    if (offset % item.size_of_one != 0) return fail(Fault::bad_length);
    item.data += offset;
    item.length = length;
    return true;
  }
  return take_padding() && take_data(length, item);
}

bool ValueReader::take_shared_array(Item& item) noexcept {
  if (!take_array_head(kReadOnly, item) || !take_words(item.dimensions, item.strides) ||
      !take_block(item) || !take_size(item.offset)) {
    return false;
  }
  item.data = nullptr;
  item.length = 0;
  return true;
}

bool ValueReader::take_record(bool in_block, Item& item) noexcept {
  if (!take_plain(item.type_hash) || !take_size(item.size_of_one) || !take_size(item.count)) {
    return false;
  }
  std::uint64_t length = 0;
  if (item.size_of_one == 0 || __builtin_mul_overflow(item.size_of_one, item.count, &length) ||
      length >= kLongest) {
    return fail(Fault::bad_length);
  }
  if (!in_block) return take_data(length, item);
  if (!take_block(item)) return false;
  if (length > blocks_.length(item.block)) return fail(Fault::bad_length);
  item.length = length;
  return true;
}

}  // namespace onecopy::message
