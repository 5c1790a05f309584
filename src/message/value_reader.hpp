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

#include "message/envelope.hpp"
#include "message/value_format.hpp"

namespace onecopy::message {

// One item. Only the fields that the tag speaks of are set.
struct Item {
  // Never integer_8 nor integer_32: those are integer here.
  Tag tag;
  bool remember;  // string, bytes, list, tuple, dict, reals, integers, array
  // Array.
  bool fortran_order;
  bool read_only;
  DataType data_type;
  std::uint8_t dimensions;
  // The block that `data` lies in, or kNoBlock where it lies in the body: string, bytes,
  // big_integer, reals, integers, array, record. The data of an array are aligned for its elements,
  // provided that the body begins at a multiple of kInlineAlignment; those of the others are not.
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
  std::uint64_t size_of_one;  // array, record
  const std::byte* shape;     // array: use extent()

  std::uint64_t extent(unsigned dimension) const noexcept {
    std::uint64_t value;
    std::memcpy(&value, shape + 8 * dimension, sizeof value);
    return value;
  }
};

class ValueReader {
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
  bool has_remembered() const noexcept { return has_remembered_; }
  // The position in the body of what next() will read.
  std::size_t position() const noexcept { return static_cast<std::size_t>(cursor_ - begin_); }
  std::uint32_t depth() const noexcept { return depth_; }

  Fault fault() const noexcept { return fault_; }
  // What is wrong, in words and as Error::version_mismatch or Error::corrupt.
  Failure failure() const { return failure_of(fault_, found_version_); }

 private:
  ValueReader(const ValueReader& first, std::size_t position) noexcept;

  // Bytes that no promised item needs.
  std::uint64_t spare() const noexcept {
    return static_cast<std::uint64_t>(end_ - cursor_) - owed_;
  }

  bool fail(Fault fault) noexcept {
    if (fault_ == Fault::none) fault_ = fault;
    // Nothing is read from now on.
    owed_ = 0;
    cursor_ = end_;
    return false;
  }

  template <class T>
  bool take_plain(T& value) noexcept {
    if (spare() < sizeof value) return fail(Fault::truncated);
    std::memcpy(&value, cursor_, sizeof value);
    cursor_ += sizeof value;
    return true;
  }

  bool take_size(std::uint64_t& value) noexcept {
    std::uint8_t first;
    if (!take_plain(first)) return false;
    if (first < 254) [[likely]] {
      value = first;
      return true;
    }
    return take_long_size(first, value);
  }

  bool take_data(std::uint64_t length, Item& item) noexcept {
    if (spare() < length) return fail(Fault::truncated);
    item.block = memory::kNoBlock;
    item.data = cursor_;
    item.length = length;
    cursor_ += length;
    return true;
  }

  bool take_long_size(std::uint8_t first, std::uint64_t& value) noexcept;
  bool take_block(Item& item) noexcept;
  bool take_other(std::uint8_t bits, Item& item) noexcept;
  bool take_packed(bool in_block, Item& item) noexcept;
  bool take_array(bool in_block, Item& item) noexcept;
  bool take_record(bool in_block, Item& item) noexcept;

  bool open(std::uint64_t items_of_one, Item& item) noexcept {
    if (!take_size(item.count)) return false;
    if (item.count > spare() / items_of_one) return fail(Fault::truncated);
    if (depth_ == kMaximumDepth) return fail(Fault::too_deep);
    owed_ += item.count * items_of_one;
    ++depth_;
    return true;
  }

  // end_ - cursor_ >= owed_, always.
  const std::byte* begin_;
  const std::byte* cursor_;
  const std::byte* end_;
  std::uint64_t owed_ = 0;  // items promised and not begun
  Blocks blocks_;
  std::uint32_t next_block_ = 0;
  std::uint32_t remembered_ = 0;
  std::uint32_t depth_ = 0;
  Fault fault_ = Fault::none;
  std::uint8_t found_version_ = 0;
  bool has_remembered_ = false;
  bool again_ = false;
};

inline ValueReader::ValueReader(std::span<const std::byte> body, Blocks blocks) noexcept
    : begin_(body.data()), cursor_(begin_), end_(begin_ + body.size()), blocks_(blocks) {
  // The version comes first: a shorter message of another version is of another version still.
  if (body.empty()) {
    fail(Fault::truncated);
    return;
  }
  found_version_ = static_cast<std::uint8_t>(body[0]);
  if (found_version_ != kFormatVersion) {
    fail(Fault::version);
    return;
  }
  if (body.size() < 3) {
    fail(Fault::truncated);
    return;
  }
  const auto flags = static_cast<std::uint8_t>(body[1]);
  if ((flags & ~kHasRemembered) != 0) {
    fail(Fault::unknown_tag);
    return;
  }
  has_remembered_ = (flags & kHasRemembered) != 0;
  cursor_ += 2;
  owed_ = 1;
}

inline bool ValueReader::finish() noexcept {
  if (fault_ != Fault::none) return false;
  if (owed_ != 0) return fail(Fault::truncated);
  if (cursor_ != end_ || next_block_ != blocks_.indices.size()) return fail(Fault::trailing);
  return true;
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
