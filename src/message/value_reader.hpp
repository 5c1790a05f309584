// Reads one value out of a message's body, tag by tag, and trusts none of it.
//
// next() gives one item. A container's items follow it and leave() ends it; so the caller recurses,
// at most kMaximumDepth deep. At any moment the bytes left are at least the items still promised,
// so what a caller sets aside for counted items is bounded by the length of the body. References
// name values by their number: the caller appends each item with `remember` to a table of its own,
// a container when it has left it, and reference items index that table, always within it.
//
// The first fault ends the reading: next() is false from then on. finish() must be asked at the
// end. Allocates nothing. The body and the blocks must outlive what items point to. One thread at a
// time; nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "message/body_cursor.hpp"
#include "message/envelope.hpp"
#include "message/value_format.hpp"

namespace onecopy::message {

// One item. Only the fields that the tag speaks of are set.
struct Item {
  // Never integer_8 nor integer_32: those are integer here.
  Tag tag;
  bool remember;  // string, bytes, list, tuple, dict, reals, integers, array, shared_array
  // Array, shared_array (which has no order).
  bool fortran_order;
  bool read_only;
  ElementType data_type;
  std::uint8_t dimensions;
  // The block that `data` lies in, or kNoBlock where it lies in the body: string, bytes,
  // big_integer, reals, integers, array, record. The data of an array are aligned for its elements,
  // provided that the body begins at a multiple of kInlineAlignment; those of the others are not.
  // Of a shared_array it is the block that refers to the shared one; there are no data here, and
  // whether the array lies in the shared block is for the caller to check, who alone knows that.
  memory::BlockIndex block;
  const std::byte* data;
  std::uint64_t length;  // bytes of data
  // Items of a list or tuple, pairs of a dict, elements of reals, integers and arrays, structs of a
  // record; the number of a reference.
  std::uint64_t count;
  std::int64_t integer;
  double real;  // real, complex
  double imaginary;
  std::uint64_t type_hash;    // record
  std::uint64_t size_of_one;  // array, shared_array, record
  const std::byte* shape;     // array, shared_array: use extent()
  const std::byte* strides;   // shared_array: use stride()
  std::uint64_t offset;       // shared_array: of the first element in the shared block

  std::uint64_t extent(unsigned dimension) const noexcept {
    std::uint64_t value;
    std::memcpy(&value, shape + 8 * dimension, sizeof value);
    return value;
  }
  // In bytes.
  std::int64_t stride(unsigned dimension) const noexcept {
    std::int64_t value;
    std::memcpy(&value, strides + 8 * dimension, sizeof value);
    return value;
  }
  // Whether every element of a shared_array lies in a shared block of `room` bytes.
  bool lies_in(std::uint64_t room) const noexcept;
};

class ValueReader : public BodyCursor {
 public:
  ValueReader(std::span<const std::byte> body, Blocks blocks) noexcept;

  // A second reader that reads again the value whose tag is at `position`, which `first` has
  // passed: for callers that make a value of their own out of every reference. It numbers nothing,
  // so `remember` is to be ignored, and it is not asked finish().
  static ValueReader again(const ValueReader& first, std::size_t position) noexcept {
    return ValueReader(first, position);
  }

  // The next item; false at a fault. Not to be called for more items than were promised.
  bool next(Item& item) noexcept;

  // Ends the container `item`, all of whose items were read.
  void leave(const Item& item) noexcept {
    --depth_;
    remembered_ += item.remember && !again_;
  }

  // True where the value is complete, nothing follows, and every block was used.
  bool finish() noexcept;

  // Whether every item that was promised so far has been read.
  bool complete() const noexcept { return owed_ == 0; }
  // Whether anything may be remembered: if not, the caller needs no table.
  bool has_remembered() const noexcept { return (flags_ & kHasRemembered) != 0; }
  std::uint32_t depth() const noexcept { return depth_; }

 private:
  ValueReader(const ValueReader& first, std::size_t position) noexcept;

  bool take_data(std::uint64_t length, Item& item) noexcept {
    item.block = memory::kNoBlock;
    item.length = length;
    return take_bytes(length, item.data);
  }

  bool take_block(Item& item) noexcept;
  bool take_other(std::uint8_t bits, Item& item) noexcept;
  bool take_packed(bool in_block, Item& item) noexcept;
  bool take_array_head(std::uint8_t known_flags, Item& item) noexcept;
  bool take_words(unsigned count, const std::byte*& words) noexcept;
  bool take_array(bool in_block, Item& item) noexcept;
  bool take_shared_array(Item& item) noexcept;
  bool take_record(bool in_block, Item& item) noexcept;

  bool open(std::uint64_t items_of_one, Item& item) noexcept {
    if (!take_size(item.count)) return false;
    if (item.count > spare() / items_of_one) return fail(Fault::truncated);
    if (depth_ == kMaximumDepth) return fail(Fault::too_deep);
    owed_ += item.count * items_of_one;
    ++depth_;
    return true;
  }

  std::uint32_t remembered_ = 0;
  std::uint32_t depth_ = 0;
  bool again_ = false;
};

inline ValueReader::ValueReader(std::span<const std::byte> body, Blocks blocks) noexcept
    : BodyCursor(body, blocks, kHasRemembered) {
  if (fault() == Fault::none) owed_ = 1;
}

inline bool ValueReader::finish() noexcept {
  if (owed_ != 0) return fail(Fault::truncated);
  return BodyCursor::finish();
}

inline bool ValueReader::next(Item& item) noexcept {
  if (owed_ == 0) [[unlikely]]
    return fail(Fault::truncated);
  --owed_;
  const auto byte = static_cast<std::uint8_t>(*cursor_++);
  item.remember = false;
  if ((byte & kSmallInteger) != 0 && (byte & kRemember) == 0) {
    item.tag = Tag::integer;
    item.integer = byte & 0x3f;
    return true;
  }
  item.tag = static_cast<Tag>(byte);  // where no bit is set besides the tag; else take_other()
  switch (item.tag) {
    case Tag::none:
    case Tag::false_:
    case Tag::true_:
      return true;
    case Tag::integer_8: {
      std::int8_t value = 0;
      item.tag = Tag::integer;
      if (!take_plain(value)) return false;
      item.integer = std::int64_t{value};
      return true;
    }
    case Tag::integer_32: {
      std::int32_t value = 0;
      item.tag = Tag::integer;
      if (!take_plain(value)) return false;
      item.integer = value;
      return true;
    }
    case Tag::integer:
      return take_plain(item.integer);
    case Tag::real:
      return take_plain(item.real);
    case Tag::string:
    case Tag::bytes: {
      std::uint64_t length = 0;
      return take_size(length) && take_data(length, item);
    }
    case Tag::list:
    case Tag::tuple:
      return open(1, item);
    case Tag::dict:
      return open(2, item);
    default:
      return take_other(byte, item);
  }
}

}  // namespace onecopy::message
