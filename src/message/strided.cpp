#include "message/strided.hpp"

#include <algorithm>
#include <cstring>

namespace onecopy::message {
namespace {

template <std::size_t Size>
void gather(std::byte* to, const std::byte* from, std::int64_t step, std::uint64_t count) noexcept {
  for (; count != 0; --count, to += Size, from += step) std::memcpy(to, from, Size);
}

void gather_any(std::byte* to, const std::byte* from, std::int64_t step, std::uint64_t count,
                std::size_t size) noexcept {
  if (step == static_cast<std::int64_t>(size)) {
    std::memcpy(to, from, count * size);
    return;
  }
  switch (size) {
    case 1:
      return gather<1>(to, from, step, count);
    case 2:
      return gather<2>(to, from, step, count);
    case 4:
      return gather<4>(to, from, step, count);
    case 8:
      return gather<8>(to, from, step, count);
    case 16:
      return gather<16>(to, from, step, count);
    default:
      for (; count != 0; --count, to += size, from += step) std::memcpy(to, from, size);
  }
}

}  // namespace

StridedReader::StridedReader(const std::byte* data, const Strides& strides) noexcept
    : strides_(strides), row_(data) {
  if (strides_.dimensions == 0) return;
  --strides_.dimensions;  // the last one is walked as a row
  row_length_ = strides_.shape[strides_.dimensions];
  row_step_ = strides_.step[strides_.dimensions];
}

void StridedReader::copy(std::byte* to, std::size_t bytes) noexcept {
  const std::size_t size = strides_.item_size;
  std::uint64_t wanted = bytes / size;
  while (wanted != 0) {
    if (column_ == row_length_) next_row();
    const std::uint64_t count = std::min(wanted, row_length_ - column_);
    gather_any(to, row_ + static_cast<std::int64_t>(column_) * row_step_, row_step_, count, size);
    to += count * size;
    column_ += count;
    wanted -= count;
  }
}

void StridedReader::next_row() noexcept {
  column_ = 0;
  for (unsigned axis = strides_.dimensions; axis-- > 0;) {
    row_ += strides_.step[axis];
    if (++index_[axis] < strides_.shape[axis]) return;
    row_ -= strides_.step[axis] * static_cast<std::int64_t>(strides_.shape[axis]);
    index_[axis] = 0;
  }
}

}  // namespace onecopy::message
