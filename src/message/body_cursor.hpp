// Reads the bytes of a message's body from front to back and trusts none of them: what ValueReader
// and PickleReader have in common.
//
// The first fault ends the reading: nothing is left to take from then on. Allocates nothing. The
// body and the blocks must outlive what was taken. One thread at a time; nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "message/envelope.hpp"

namespace onecopy::message {

class BodyCursor {
 public:
  // The position in the body of what is read next.
  std::size_t position() const noexcept { return static_cast<std::size_t>(cursor_ - begin_); }
  Fault fault() const noexcept { return fault_; }
  // What is wrong, in words and as Error::version_mismatch or Error::corrupt.
  Failure failure() const { return failure_of(fault_, found_version_); }

 protected:
  // No object is larger than this, so larger sizes are refused before they are added to anything.
  static constexpr std::uint64_t kLongest = std::uint64_t{1} << 62;

  // Takes the prefix, in which only these flags may be set.
  BodyCursor(std::span<const std::byte> body, Blocks blocks, std::uint8_t known_flags) noexcept
      : begin_(body.data()), cursor_(begin_), end_(begin_ + body.size()), blocks_(blocks) {
    take_prefix(known_flags);
  }

  bool fail(Fault fault) noexcept {
    if (fault_ == Fault::none) fault_ = fault;
    // Nothing is read from now on.
    owed_ = 0;
    cursor_ = end_;
    return false;
  }

  // Bytes that no promised item needs.
  std::uint64_t spare() const noexcept {
    return static_cast<std::uint64_t>(end_ - cursor_) - owed_;
  }

  template <class T>
  bool take_plain(T& value) noexcept {
    if (spare() < sizeof value) return fail(Fault::truncated);
    std::memcpy(&value, cursor_, sizeof value);
    cursor_ += sizeof value;
    return true;
  }

  // What ByteBuffer::append_size() wrote.
  bool take_size(std::uint64_t& value) noexcept {
    std::uint8_t first;
    if (!take_plain(first)) return false;
    if (first < 254) [[likely]] {
      value = first;
      return true;
    }
    return take_long_size(first, value);
  }

  bool take_bytes(std::uint64_t length, const std::byte*& bytes) noexcept {
    if (spare() < length) return fail(Fault::truncated);
    bytes = cursor_;
    cursor_ += length;
    return true;
  }

  // What ByteBuffer::pad() wrote.
  bool take_padding() noexcept;

  // The blocks of a message are named in order and once each, so that no two values share one.
  bool name_block(std::uint64_t number) noexcept {
    if (number != next_block_ || number >= blocks_.indices.size()) return fail(Fault::bad_block);
    ++next_block_;
    return true;
  }

  // True where nothing is left over of the body and the blocks.
  bool finish() noexcept {
    if (fault_ != Fault::none) return false;
    return (cursor_ == end_ && next_block_ == blocks_.indices.size()) || fail(Fault::trailing);
  }

  // end_ - cursor_ >= owed_, always.
  const std::byte* begin_;
  const std::byte* cursor_;
  const std::byte* end_;
  std::uint64_t owed_ = 0;  // bytes that are kept for items promised and not begun
  Blocks blocks_;
  std::uint32_t next_block_ = 0;
  Fault fault_ = Fault::none;
  std::uint8_t found_version_ = 0;
  std::uint8_t flags_ = 0;  // of the prefix

 private:
  void take_prefix(std::uint8_t known_flags) noexcept {
    // The version comes first: a shorter message of another version is of another version still.
    if (begin_ == end_) return void(fail(Fault::truncated));
    found_version_ = static_cast<std::uint8_t>(begin_[0]);
    if (found_version_ != kFormatVersion) return void(fail(Fault::version));
    if (end_ - begin_ < 3) return void(fail(Fault::truncated));
    flags_ = static_cast<std::uint8_t>(begin_[1]);
    if ((flags_ & ~known_flags) != 0) return void(fail(Fault::unknown_tag));
    cursor_ += 2;
  }

  bool take_long_size(std::uint8_t first, std::uint64_t& value) noexcept;
};

}  // namespace onecopy::message
