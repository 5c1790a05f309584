// The arrays of include/onecopy/nd_view.hpp, and how they travel.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include <onecopy/nd_view.hpp>

#include "memory/block.hpp"
#include "memory/family.hpp"
#include "memory/reference.hpp"
#include "message/codec_state.hpp"
#include "message/strided.hpp"

namespace onecopy {

using message::Item;
using message::item_size;
using message::kBlockThreshold;
using message::kMaximumDimensions;
using message::Tag;

namespace {

// The format has no larger array.
constexpr std::size_t kLargest = std::size_t{1} << 62;
// Up to here the pages of a new block are made ready at once; beyond, as they are touched.
constexpr std::size_t kMostPrepared = std::size_t{64} << 20;
// Elements that do not lie side by side are collected in a piece of the processor's cache.
constexpr std::size_t kGathered = std::size_t{64} * 1024;

std::string in_dimensions(std::size_t rank) {
  return " in " + std::to_string(rank) + (rank == 1 ? " dimension" : " dimensions");
}

std::string in_brackets(std::span<const std::size_t> numbers) {
  std::string text = "(";
  for (const std::size_t number : numbers) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(number);
  }
  return text + ")";
}

std::string text_of(const detail::NdWanted& wanted) {
  std::string text = "an array";
  if (wanted.type != ElementType{}) text += std::string(" of ") + message::name_of(wanted.type);
  if (wanted.rank != kAnyRank) text += in_dimensions(wanted.rank);
  return text;
}

std::optional<Failure> mismatch(const detail::NdWanted& wanted, ElementType type, std::size_t rank,
                                bool writable) {
  const bool of_type = wanted.type == ElementType{} || wanted.type == type;
  const bool of_rank = wanted.rank == kAnyRank || wanted.rank == rank;
  if (!of_type || !of_rank) {
    return Failure{Error::invalid, 0,
                   text_of(wanted) + " was wanted, and this is one of " + message::name_of(type) +
                       in_dimensions(rank)};
  }
  if (wanted.writable && !writable) {
    return Failure{Error::invalid, 0,
                   text_of(wanted) +
                       " was wanted to be written, and this one may only be read: an NdView of "
                       "const elements takes it"};
  }
  return std::nullopt;
}

// Python's are bytes, and no C++ bool is anything but 0 or 1.
bool are_truth_values(const std::byte* data, std::size_t count) noexcept {
  std::byte all{0};
  for (std::size_t i = 0; i < count; ++i) all |= data[i];
  return (all & std::byte{0xfe}) == std::byte{0};
}

message::Strides strides_of(const NdArray& array) noexcept {
  message::Strides strides;
  strides.dimensions = static_cast<unsigned>(array.rank());
  strides.item_size = array.element_size();
  for (std::size_t axis = 0; axis < array.rank(); ++axis) {
    strides.shape[axis] = array.shape()[axis];
    strides.step[axis] = array.strides()[axis] * static_cast<std::int64_t>(strides.item_size);
  }
  return strides;
}

Result<void> gather(memory::BlockIndex block, message::StridedReader reader, std::size_t item_bytes,
                    std::size_t bytes) {
  const std::size_t run = kGathered / item_bytes * item_bytes;
  const std::unique_ptr<std::byte[]> buffer(new std::byte[run]);
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t piece = std::min(run, bytes - done);
    reader.copy(buffer.get(), piece);
    if (auto filled = memory::fill_block(block, done, buffer.get(), piece); !filled) return filled;
    done += piece;
  }
  return {};
}

}  // namespace

Float16::operator float() const noexcept {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1fu;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0) {  // zeros and the numbers too small for an exponent
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign == 0 ? magnitude : -magnitude;
  }
  const std::uint32_t wide =
      exponent == 0x1f ? 0x7f800000u | fraction << 13 : (exponent + 112) << 23 | fraction << 13;
  return std::bit_cast<float>(sign | wide);
}

// -- what an array is -----------------------------------------------------------------------------

std::size_t NdArray::element_size() const noexcept { return item_size(type_); }

bool NdArray::contiguous() const noexcept {
  std::ptrdiff_t step = 1;
  for (std::size_t axis = rank_; axis-- > 0;) {
    const std::size_t extent = shape()[axis];
    if (extent == 0) return true;
    if (extent > 1 && strides()[axis] != step) return false;
    step *= static_cast<std::ptrdiff_t>(extent);
  }
  return true;
}

bool NdArray::fortran_order() const noexcept {
  std::ptrdiff_t step = 1;
  for (std::size_t axis = 0; axis < rank_; ++axis) {
    const std::size_t extent = shape()[axis];
    if (extent > 1 && strides()[axis] != step) return false;
    step *= static_cast<std::ptrdiff_t>(extent);
  }
  return !contiguous();
}

Result<void> NdArray::lay_out(ElementType type, std::span<const std::size_t> shape,
                              std::span<const std::ptrdiff_t> strides) {
  if (shape.size() > kMaximumDimensions || (!strides.empty() && strides.size() != shape.size())) {
    return Failure{Error::invalid, 0,
                   "an array has at most " + std::to_string(kMaximumDimensions) +
                       " dimensions, and a stride for each"};
  }
  // The product of the extents that are not 0 must be possible too, as in the format.
  std::size_t bytes = item_size(type);
  bool empty = false;
  for (const std::size_t extent : shape) {
    empty |= extent == 0;
    if (extent != 0 && (__builtin_mul_overflow(bytes, extent, &bytes) || bytes >= kLargest)) {
      return Failure{Error::no_memory, 0, "no array can be as large as that"};
    }
  }
  type_ = type;
  rank_ = static_cast<std::uint8_t>(shape.size());
  size_ = empty ? 0 : bytes / item_size(type);
  if (shape.empty()) return {};
  axes_.resize(2 * shape.size());
  std::copy(shape.begin(), shape.end(), axes_.begin());
  std::size_t step = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    // A stride is kept as the word that it is read as.
    axes_[rank_ + axis] = strides.empty() ? step : static_cast<std::size_t>(strides[axis]);
    step *= std::max<std::size_t>(shape[axis], 1);
  }
  return {};
}

Result<NdArray> NdArray::create(ElementType type, std::span<const std::size_t> shape, bool zeros) {
  NdArray made;
  if (Result<void> laid = made.lay_out(type, shape, {}); !laid) return std::move(laid).failure();
  const std::size_t bytes = made.size_ * item_size(type);
  if (bytes < kBlockThreshold) {  // goes into the body of its message
    made.data_ = static_cast<std::byte*>(std::calloc(std::max<std::size_t>(bytes, 1), 1));
    if (made.data_ == nullptr) return Failure{Error::no_memory, 0, "there is no memory"};
    made.held_ = Held::heap;
    return made;
  }
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  const auto block = zeros ? memory::allocate_zero_block(bytes) : memory::allocate_block(bytes);
  if (!block) return block.failure();
  if (!zeros && bytes <= kMostPrepared) {
    memory::prepare_block(*block);
  } else {
    memory::note_written_in_place(*block);
  }
  memory::retain_view(*block);
  made.block_ = *block;
  made.data_ = memory::block_data(*block);
  made.held_ = Held::block;
  return made;
}

Result<NdArray> NdArray::over(ElementType type, const void* data, bool constant,
                              std::span<const std::size_t> shape,
                              std::span<const std::ptrdiff_t> strides) {
  NdArray made;
  if (Result<void> laid = made.lay_out(type, shape, strides); !laid) {
    return std::move(laid).failure();
  }
  // constant_ keeps everybody from writing to it where it is constant.
  made.data_ = const_cast<std::byte*>(static_cast<const std::byte*>(data));
  made.held_ = Held::borrowed;
  made.constant_ = constant;
  return made;
}

NdArray NdArray::borrowed(bool constant) const {
  NdArray view;
  if (held_ == Held::nothing) return view;
  view.lay_out(type_, shape(), strides()).value_or_throw();
  view.data_ = data_;
  view.held_ = Held::borrowed;
  view.read_only_ = read_only_;
  view.constant_ = constant_ || constant;
  return view;
}

Result<void> NdArray::check(const detail::NdWanted& wanted) const {
  if (auto wrong = mismatch(wanted, type_, rank_, writable())) return std::move(*wrong);
  return {};
}

std::ptrdiff_t NdArray::offset_of(std::initializer_list<std::size_t> indices) const {
  std::ptrdiff_t offset = 0;
  std::size_t axis = 0;
  bool fits = indices.size() == rank_ && size_ != 0;
  for (const std::size_t index : indices) {
    if (!fits || index >= shape()[axis]) {
      fits = false;
      break;
    }
    offset += static_cast<std::ptrdiff_t>(index) * strides()[axis++];
  }
  if (fits) return offset;
  detail::throw_failure({Error::invalid, 0,
                         "there is no element " + in_brackets({indices.begin(), indices.size()}) +
                             " in an array of shape " + in_brackets(shape())});
}

void NdArray::require_contiguous() const {
  if (contiguous()) return;
  detail::throw_failure({Error::invalid, 0,
                         "the elements of the array do not lie side by side in C order: use its "
                         "strides(), or at()"});
}

void NdArray::let_go() noexcept {
  switch (held_) {
    case Held::nothing:
    case Held::given:
    case Held::borrowed:
      break;
    case Held::heap:
      std::free(data_);
      break;
    case Held::block:
      memory::release_view(block_);
      break;
    case Held::shared:
      memory::let_go_shared({block_, time_});
      break;
  }
  held_ = Held::nothing;
}

// -- on its way out -------------------------------------------------------------------------------

void Encoder::nd_array(const NdArray& array) {
  if (array.held_ == NdArray::Held::nothing) {
    return fail({Error::invalid, 0, "an array of no memory cannot be sent"});
  }
  if (!state_.item()) return;
  const bool fortran_order = array.fortran_order();
  message::ArrayHead head{.type = array.type_,
                          .fortran_order = fortran_order,
                          .read_only = array.read_only_,
                          .shape = array.shape()};
  const message::Strides strides = strides_of(array);
  if (array.shared()) {
    const memory::SharedName name{array.block_, array.time_};
    const auto reference = memory::make_reference(name);
    if (!reference) return state_.fail(reference.failure());
    head.fortran_order = false;
    const auto offset = static_cast<std::uint64_t>(array.data_ - memory::block_data(name.block));
    return state_.writer.shared_array(head, std::span(strides.step).first(strides.dimensions),
                                      state_.blocks.add(*reference), offset);
  }
  const std::size_t bytes = array.size_ * strides.item_size;
  const bool side_by_side = fortran_order || array.contiguous();
  if (bytes < kBlockThreshold) {
    std::byte* place = state_.writer.array_inline(head, bytes);
    if (place == nullptr || bytes == 0) return;
    if (side_by_side) {
      std::memcpy(place, array.data_, bytes);
    } else {
      message::StridedReader(array.data_, strides).copy(place, bytes);
    }
    return;
  }
  if (side_by_side) {
    Result<std::uint32_t> block = copy_into_block(state_.blocks, array.data_, bytes);
    if (!block) return state_.fail(std::move(block).failure());
    return state_.writer.array_in_block(head, *block);
  }
  const auto block = memory::allocate_block(bytes);
  if (!block) return state_.fail(block.failure());
  const std::uint32_t number = state_.blocks.add(*block);
  const message::StridedReader reader(array.data_, strides);
  if (auto gathered = gather(*block, reader, strides.item_size, bytes); !gathered) {
    return state_.fail(std::move(gathered).failure());
  }
  state_.writer.array_in_block(head, number);
}

void Encoder::give(NdArray& array) {
  const auto settle = [](void* giver, bool delivered) noexcept {
    NdArray& given = *static_cast<NdArray*>(giver);
    if (delivered) {
      given = NdArray();
    } else if (given.held_ == NdArray::Held::given) {
      given.held_ = NdArray::Held::block;
    }
  };
  if (array.held_ != NdArray::Held::nothing) state_.add_giver(&array, settle);
  if (array.held_ != NdArray::Held::block || failed()) return nd_array(array);
  const auto number = state_.take_gift(array.block_);
  if (!number) return nd_array(array);
  array.held_ = NdArray::Held::given;
  if (!state_.item()) return;
  const auto offset = static_cast<std::uint64_t>(array.data_ - memory::block_data(array.block_));
  state_.writer.array_in_block({.type = array.type_,
                                .fortran_order = array.fortran_order(),
                                .read_only = array.read_only_,
                                .shape = array.shape()},
                               *number, offset);
}

// -- on its way in --------------------------------------------------------------------------------

void Decoder::nd_array(const detail::NdWanted& wanted, NdArray& array) {
  const Item* next = state_.peek();
  if (next == nullptr) return;
  if (next->tag != Tag::array && next->tag != Tag::shared_array) {
    return state_.fail_wanted(text_of(wanted).c_str());
  }
  if (auto wrong = mismatch(wanted, next->data_type, next->dimensions, !next->read_only)) {
    return state_.fail(std::move(*wrong));
  }
  const memory::SharedName shared = state_.shared_name();
  const bool is_shared = shared.block != memory::kNoBlock;
  if (next->tag == Tag::shared_array && !is_shared) {
    return state_.fail({Error::corrupt, 0, "the message has a shared array in a block of its own"});
  }
  const auto size = static_cast<std::ptrdiff_t>(next->size_of_one);

  std::size_t shape[kMaximumDimensions];
  std::ptrdiff_t strides[kMaximumDimensions];
  bool aligned = true;
  std::ptrdiff_t fortran_step = 1;
  for (unsigned axis = 0; axis < next->dimensions; ++axis) {
    shape[axis] = next->extent(axis);
    strides[axis] = fortran_step;
    fortran_step *= static_cast<std::ptrdiff_t>(std::max<std::size_t>(shape[axis], 1));
    if (is_shared) {
      strides[axis] = next->stride(axis) / size;
      aligned &= next->stride(axis) % size == 0 || shape[axis] <= 1;
    }
  }
  NdArray made;
  const bool in_c_order = !is_shared && !next->fortran_order;
  std::span<const std::ptrdiff_t> given(strides, in_c_order ? 0 : next->dimensions);
  if (auto laid = made.lay_out(next->data_type, {shape, next->dimensions}, given); !laid) {
    return state_.fail(std::move(laid).failure());
  }
  made.read_only_ = next->read_only;

  if (is_shared) {
    if (!next->lies_in(memory::block_length(shared.block))) {
      return state_.fail(
          {Error::corrupt, 0, "the message has an array that leaves its shared memory"});
    }
    const std::size_t alignment = next->data_type == ElementType::complex64    ? sizeof(float)
                                  : next->data_type == ElementType::complex128 ? sizeof(double)
                                                                               : next->size_of_one;
    if (!aligned || next->offset % alignment != 0) {
      return state_.fail({Error::invalid, 0,
                          "the elements of the shared array do not lie at multiples of their size, "
                          "where C++ can look at them"});
    }
    if (auto held = memory::hold_shared(shared); !held) {
      return state_.fail(std::move(held).failure());
    }
    made.block_ = shared.block;
    made.time_ = shared.time;
    made.data_ = memory::block_data(shared.block) + next->offset;
    made.held_ = NdArray::Held::shared;
  } else {
    if (next->data_type == ElementType::boolean && !are_truth_values(next->data, next->count)) {
      return state_.fail(
          {Error::invalid, 0,
           "an array of bool was wanted, and in this one is what is neither true nor "
           "false"});
    }
    if (next->block != memory::kNoBlock && state_.blocks().keep(next->block)) {
      made.block_ = next->block;
      made.data_ = const_cast<std::byte*>(next->data);
      made.held_ = NdArray::Held::block;
    } else {
      made.data_ = static_cast<std::byte*>(std::malloc(std::max<std::size_t>(next->length, 1)));
      if (made.data_ == nullptr) throw std::bad_alloc();
      made.held_ = NdArray::Held::heap;
      if (next->length != 0) std::memcpy(made.data_, next->data, next->length);
    }
  }
  array = std::move(made);
  state_.take();
}

}  // namespace onecopy
