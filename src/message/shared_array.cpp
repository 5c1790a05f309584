// The shared memory of include/onecopy/shared.hpp, and how it travels.
#include <onecopy/shared.hpp>

#include <algorithm>
#include <limits>

#include "memory/block.hpp"
#include "memory/family.hpp"
#include "memory/reference.hpp"
#include "memory/shared.hpp"
#include "message/codec_state.hpp"

namespace onecopy {
namespace detail {
namespace {

Result<memory::SharedName> share_filled(const void* source, std::size_t bytes) {
  auto block = memory::allocate_block(bytes);
  if (!block) return std::move(block).failure();
  if (Result<void> filled = memory::fill_block(*block, 0, source, bytes); !filled) {
    memory::release_block(*block);
    return std::move(filled).failure();
  }
  return memory::share_block(*block, memory::Purpose::array);
}

}  // namespace

Result<SharedMemory> SharedMemory::create(std::size_t count, std::size_t element_bytes) {
  if (count > std::numeric_limits<std::size_t>::max() / element_bytes) {
    return Failure{Error::no_memory, 0,
                   std::to_string(count) + " elements are more than there are addresses for"};
  }
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  const std::size_t bytes = count * element_bytes;
  const auto name =
      memory::make_shared_block(std::max<std::size_t>(bytes, 1), memory::Purpose::array);
  if (!name) return name.failure();
  return SharedMemory(name->block, name->time, memory::block_data(name->block), bytes);
}

Result<SharedMemory> SharedMemory::copy(const void* source, std::size_t bytes) {
  if (bytes == 0) return create(0, 1);
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  const auto name = share_filled(source, bytes);
  if (!name) return name.failure();
  return SharedMemory(name->block, name->time, memory::block_data(name->block), bytes);
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) memory::let_go_shared({block_, time_});
}

Result<SharedMemory> SharedMemory::part(std::size_t offset, std::size_t bytes) const {
  if (data_ == nullptr || offset > bytes_ || bytes > bytes_ - offset) {
    return Failure{Error::invalid, 0, "the part reaches beyond the shared memory"};
  }
  if (Result<void> held = memory::hold_shared({block_, time_}); !held) {
    return std::move(held).failure();
  }
  return SharedMemory(block_, time_, data_ + offset, bytes);
}

}  // namespace detail

void Encoder::shared_array(ElementType type, const detail::SharedMemory& memory,
                           std::size_t count) {
  if (memory.data_ == nullptr) {
    return fail({Error::invalid, 0, "a Shared of no memory cannot be sent"});
  }
  if (!state_.item()) return;
  const auto reference = memory::make_reference({memory.block_, memory.time_});
  if (!reference) return state_.fail(reference.failure());
  const std::uint64_t shape[1] = {count};
  const std::int64_t strides[1] = {static_cast<std::int64_t>(message::item_size(type))};
  const auto offset = static_cast<std::uint64_t>(memory.data_ - memory::block_data(memory.block_));
  state_.writer.shared_array({.type = type, .shape = shape}, strides, state_.blocks.add(*reference),
                             offset);
}

void Decoder::shared_array(ElementType type, detail::SharedMemory& memory) {
  const message::Item* next = state_.peek();
  if (next == nullptr) return;
  const memory::SharedName name = state_.shared_name();
  if (next->tag != message::Tag::array || name.block == memory::kNoBlock ||
      next->data_type != type || next->dimensions != 1) {
    return state_.fail_wanted("a shared array of another kind");
  }
  if (next->read_only) {
    return state_.fail(
        {Error::invalid, 0, "the shared array of the message may only be read, not written"});
  }
  // The message holds the memory until it has been read, and the handle from then on.
  if (Result<void> held = memory::hold_shared(name); !held) {
    return state_.fail(std::move(held).failure());
  }
  memory = detail::SharedMemory(name.block, name.time,
                                memory::block_data(name.block) + next->offset, next->length);
  state_.take();
}

}  // namespace onecopy
