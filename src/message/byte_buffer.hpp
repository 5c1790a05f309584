// A growable run of bytes for the body of one message, kept and used again for the next.
//
// The first kInlineCapacity bytes need no heap. Running out of memory does not throw: the buffer
// remembers it, ignores what is written from then on, and failed() tells. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace onecopy::message {

class ByteBuffer {
 public:
  // As much as a channel takes without a block (channel::kInlineBody).
  static constexpr std::size_t kInlineCapacity = 4096;
  // clear() keeps this much of the heap for the next message and gives more than that back.
  static constexpr std::size_t kKeptCapacity = std::size_t{4} << 20;

  ByteBuffer() noexcept : begin_(inline_), cursor_(inline_), end_(inline_ + kInlineCapacity) {}
  ~ByteBuffer() { free_heap(); }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  // Room for `bytes` more, already counted as written; null when there is no memory.
  std::byte* extend(std::size_t bytes) noexcept {
    if (static_cast<std::size_t>(end_ - cursor_) < bytes) [[unlikely]] {
      if (!grow(bytes)) return nullptr;
    }
    std::byte* place = cursor_;
    cursor_ += bytes;
    return place;
  }

  void append(const void* source, std::size_t bytes) noexcept {
    if (bytes == 0) return;
    if (std::byte* place = extend(bytes)) std::memcpy(place, source, bytes);
  }

  template <class T>
  void append_plain(T value) noexcept {
    if (std::byte* place = extend(sizeof value)) std::memcpy(place, &value, sizeof value);
  }

  void append_byte(std::uint8_t value) noexcept { append_plain(value); }

  // A length or count: one byte below 254, else 254 and four bytes, else 255 and eight.
  void append_size(std::uint64_t value) noexcept {
    if (value < 254) [[likely]] {
      append_byte(static_cast<std::uint8_t>(value));
    } else if (value <= 0xffffffffu) {
      append_byte(254);
      append_plain(static_cast<std::uint32_t>(value));
    } else {
      append_byte(255);
      append_plain(value);
    }
  }

  // Zeros up to a multiple of `alignment`, counted from the start of the body.
  void pad(std::size_t alignment) noexcept {
    const std::size_t missing = (alignment - size() % alignment) % alignment;
    if (std::byte* place = extend(missing)) std::memset(place, 0, missing);
  }

  std::size_t size() const noexcept { return static_cast<std::size_t>(cursor_ - begin_); }
  std::byte* data() noexcept { return begin_; }
  std::span<const std::byte> span() const noexcept { return {begin_, size()}; }
  bool failed() const noexcept { return failed_; }

  void clear() noexcept {
    if (failed_ || static_cast<std::size_t>(end_ - begin_) > kKeptCapacity) {
      free_heap();
      begin_ = inline_;
      end_ = inline_ + kInlineCapacity;
    }
    cursor_ = begin_;
    failed_ = false;
  }

 private:
  bool grow(std::size_t bytes) noexcept;  // byte_buffer.cpp
  void free_heap() noexcept {
    if (begin_ != inline_) std::free(begin_);
  }

  std::byte* begin_;
  std::byte* cursor_;
  std::byte* end_;
  bool failed_ = false;
  alignas(16) std::byte inline_[kInlineCapacity];
};

}  // namespace onecopy::message
