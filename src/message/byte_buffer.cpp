#include "message/byte_buffer.hpp"

#include <algorithm>

namespace onecopy::message {

bool ByteBuffer::grow(std::size_t bytes) noexcept {
  const std::size_t used = size();
  const std::size_t capacity = static_cast<std::size_t>(end_ - begin_);
  // Half of the address space is more than any machine has: beyond it the sum could overflow.
  constexpr std::size_t kMost = SIZE_MAX / 4;
  void* moved = nullptr;
  std::size_t wanted = 0;
  if (!failed_ && used <= kMost && bytes <= kMost) {
    wanted = std::max(used + bytes, 2 * capacity);
    moved = std::realloc(begin_ == inline_ ? nullptr : begin_, wanted);
  }
  if (moved == nullptr) {
    failed_ = true;
    // Whatever is written from now on finds no room either, however small it is.
    end_ = cursor_;
    return false;
  }
  if (begin_ == inline_) std::memcpy(moved, inline_, used);
  begin_ = static_cast<std::byte*>(moved);
  cursor_ = begin_ + used;
  end_ = begin_ + wanted;
  return true;
}

}  // namespace onecopy::message
