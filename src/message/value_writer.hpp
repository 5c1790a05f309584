// Writes one value into a buffer, tag by tag; the way back is value_reader.hpp.
//
// Containers are opened with the number of their items, the items follow (a dict: key, value, key,
// value), and close() ends them. What is written with `remember` gets the next number, a container
// when it is closed, everything else at once; reference() names it later in the same message. A
// container that is still open has no number yet, so a value cannot contain itself: whoever writes
// such a thing sends it in another way.
//
// Large data may lie in blocks; the caller has put each block into the message's list and the
// blocks must be named in the order of that list, each once. The writer does not fail by itself:
// ask ByteBuffer::failed() at the end. One thread at a time; nothing is shared.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "message/byte_buffer.hpp"
#include "message/envelope.hpp"
#include "message/value_format.hpp"

namespace onecopy::message {

// The shape of an array about to be written.
struct ArrayHead {
  ElementType type;
  bool fortran_order = false;
  bool read_only = false;
  std::span<const std::uint64_t> shape;  // at most kMaximumDimensions; empty for a single element
};

class ValueWriter {
 public:
  // Writes the prefix of a value body; `buffer` must be empty.
  explicit ValueWriter(ByteBuffer& buffer) noexcept : buffer_(buffer) {
    assert(buffer.size() == 0);
    buffer_.append_byte(kFormatVersion);
    buffer_.append_byte(0);
  }

  void none() noexcept { tag(Tag::none); }
  void boolean(bool value) noexcept { tag(value ? Tag::true_ : Tag::false_); }

  void integer(std::int64_t value) noexcept {
    if (value >= 0 && value < 64) {
      buffer_.append_byte(static_cast<std::uint8_t>(kSmallInteger | value));
    } else if (value == static_cast<std::int8_t>(value)) {
      plain(Tag::integer_8, static_cast<std::int8_t>(value));
    } else if (value == static_cast<std::int32_t>(value)) {
      plain(Tag::integer_32, static_cast<std::int32_t>(value));
    } else {
      plain(Tag::integer, value);
    }
  }

  // Two's complement, little endian, of any length.
  void big_integer(std::span<const std::byte> digits) noexcept {
    tag(Tag::big_integer);
    sized(digits.data(), digits.size());
  }

  void real(double value) noexcept { plain(Tag::real, value); }

  void complex(double real, double imaginary) noexcept {
    plain(Tag::complex, real);
    buffer_.append_plain(imaginary);
  }

  void string(std::string_view utf8, bool remember = false) noexcept {
    tag(Tag::string, remember);
    sized(utf8.data(), utf8.size());
    if (remember) ++remembered_;
  }

  void bytes(std::span<const std::byte> data, bool remember = false) noexcept {
    tag(Tag::bytes, remember);
    sized(data.data(), data.size());
    if (remember) ++remembered_;
  }

  void reals(std::span<const double> values, bool remember = false) noexcept {
    if (std::byte* place = reals_inline(values.size(), remember)) {
      if (!values.empty()) std::memcpy(place, values.data(), values.size_bytes());
    }
  }

  void integers(std::span<const std::int64_t> values, bool remember = false) noexcept {
    if (std::byte* place = integers_inline(values.size(), remember)) {
      if (!values.empty()) std::memcpy(place, values.data(), values.size_bytes());
    }
  }

  // Leaves `count` times 8 bytes (not aligned) for the caller to fill at once; null: no memory.
  std::byte* reals_inline(std::size_t count, bool remember = false) noexcept {
    return packed_inline(Tag::reals, count, remember);
  }
  std::byte* integers_inline(std::size_t count, bool remember = false) noexcept {
    return packed_inline(Tag::integers, count, remember);
  }

  // Data in block number `block` of the message, from its start; `length` in bytes.
  void string_in_block(std::uint32_t block, std::uint64_t length, bool remember = false) noexcept {
    in_block(Tag::string, block, length, remember);
  }
  void bytes_in_block(std::uint32_t block, std::uint64_t length, bool remember = false) noexcept {
    in_block(Tag::bytes, block, length, remember);
  }
  // The same, `count` elements of 8 bytes.
  void reals_in_block(std::uint32_t block, std::uint64_t count, bool remember = false) noexcept {
    in_block(Tag::reals, block, count, remember);
  }
  void integers_in_block(std::uint32_t block, std::uint64_t count, bool remember = false) noexcept {
    in_block(Tag::integers, block, count, remember);
  }

  // Leaves aligned room of `length` bytes, which must be what the head says, for the caller to fill
  // at once; null: no memory.
  std::byte* array_inline(const ArrayHead& head, std::size_t length,
                          bool remember = false) noexcept {
    array_head(Tag::array, head, remember);
    buffer_.pad(kInlineAlignment);
    return buffer_.extend(length);
  }
  // The data begin `offset` bytes into the block, a multiple of the element's size.
  void array_in_block(const ArrayHead& head, std::uint32_t block, std::uint64_t offset = 0,
                      bool remember = false) noexcept {
    array_head(Tag::array, head, remember, kInBlock);
    buffer_.append_size(block);
    buffer_.append_size(offset);
  }
  // An array in a shared block, its first element `offset` bytes into it, and its strides, one for
  // each extent, in bytes. Block number `reference` of the message refers to the shared one. The
  // head says nothing of the order.
  void shared_array(const ArrayHead& head, std::span<const std::int64_t> strides,
                    std::uint32_t reference, std::uint64_t offset, bool remember = false) noexcept {
    assert(!head.fortran_order && strides.size() == head.shape.size());
    array_head(Tag::shared_array, head, remember);
    buffer_.append(strides.data(), strides.size_bytes());
    buffer_.append_size(reference);
    buffer_.append_size(offset);
  }

  // C++ structs, as bytes: `data` holds `count` of `size_of_one` bytes each.
  void record(std::uint64_t type_hash, std::size_t size_of_one, std::size_t count,
              const void* data) noexcept {
    record_head(type_hash, size_of_one, count, 0);
    buffer_.append(data, size_of_one * count);
  }
  void record_in_block(std::uint64_t type_hash, std::size_t size_of_one, std::size_t count,
                       std::uint32_t block) noexcept {
    record_head(type_hash, size_of_one, count, kInBlock);
    buffer_.append_size(block);
  }

  // `count`: items, or pairs of a dict. depth() must be below kMaximumDepth.
  void open_list(std::uint64_t count, bool remember = false) noexcept {
    open(Tag::list, count, remember);
  }
  void open_tuple(std::uint64_t count, bool remember = false) noexcept {
    open(Tag::tuple, count, remember);
  }
  void open_dict(std::uint64_t count, bool remember = false) noexcept {
    open(Tag::dict, count, remember);
  }
  // `remember` as it was opened.
  void close(bool remember = false) noexcept {
    assert(depth_ > 0);
    --depth_;
    if (remember) ++remembered_;
  }

  void reference(std::uint32_t number) noexcept {
    assert(number < remembered_);
    tag(Tag::reference);
    buffer_.append_size(number);
  }

  // The number that the next remembered value gets; one less is that of the last.
  std::uint32_t remembered() const noexcept { return remembered_; }
  std::uint32_t depth() const noexcept { return depth_; }

 private:
  void tag(Tag tag) noexcept { buffer_.append_byte(static_cast<std::uint8_t>(tag)); }

  void tag(Tag tag, bool remember, std::uint8_t bits = 0) noexcept {
    if (remember) {
      bits |= kRemember;
      if (!flagged_) flag_remembered();
    }
    buffer_.append_byte(static_cast<std::uint8_t>(static_cast<std::uint8_t>(tag) | bits));
  }

  void flag_remembered() noexcept;

  template <class T>
  void plain(Tag tag, T value) noexcept {
    if (std::byte* place = buffer_.extend(1 + sizeof value)) {
      *place = static_cast<std::byte>(tag);
      std::memcpy(place + 1, &value, sizeof value);
    }
  }

  void sized(const void* data, std::size_t length) noexcept {
    buffer_.append_size(length);
    buffer_.append(data, length);
  }

  std::byte* packed_inline(Tag tag_value, std::size_t count, bool remember) noexcept {
    tag(tag_value, remember);
    buffer_.append_size(count);
    if (remember) ++remembered_;
    return buffer_.extend(8 * count);
  }

  void in_block(Tag tag_value, std::uint32_t block, std::uint64_t count, bool remember) noexcept {
    tag(tag_value, remember, kInBlock);
    buffer_.append_size(block);
    buffer_.append_size(count);
    if (remember) ++remembered_;
  }

  void open(Tag tag_value, std::uint64_t count, bool remember) noexcept {
    assert(depth_ < kMaximumDepth);
    ++depth_;
    tag(tag_value, remember);
    buffer_.append_size(count);
  }

  void array_head(Tag tag, const ArrayHead& head, bool remember, std::uint8_t bits = 0) noexcept;
  void record_head(std::uint64_t type_hash, std::size_t size_of_one, std::size_t count,
                   std::uint8_t bits) noexcept;

  ByteBuffer& buffer_;
  std::uint32_t remembered_ = 0;
  std::uint32_t depth_ = 0;
  bool flagged_ = false;
};

}  // namespace onecopy::message
