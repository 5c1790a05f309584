#include "memory/block.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "memory/books.hpp"
#include "memory/budget.hpp"
#include "memory/family.hpp"
#include "memory/frozen.hpp"
#include "memory/housekeeping.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "memory/size_class.hpp"
#include "memory/stream_copy.hpp"

namespace onecopy::memory {
namespace {

// From here on, mapping a run of warm pages at once beats one fault a page.
constexpr std::size_t kPopulateAtLeast = 64 * 1024;

LocalBlock& local_block(BlockIndex block) noexcept { return local().blocks[block]; }

// Relaxed: only this block's holder stores it, and a stale value costs time, not truth.
bool pages_known(BlockIndex block) noexcept {
  return local_block(block).page_generation.load(std::memory_order_relaxed) ==
         block_record(block).page_generation.load(std::memory_order_relaxed);
}

void note_pages(BlockIndex block) noexcept {
  local_block(block).page_generation.store(
      block_record(block).page_generation.load(std::memory_order_relaxed),
      std::memory_order_relaxed);
}

// See BlockRecord::page_generation: the holder alone changes it.
bool pages_fresh(BlockIndex block) noexcept {
  return (block_record(block).page_generation.load(std::memory_order_relaxed) & 1u) != 0;
}

void mark_filled(BlockIndex block) noexcept {
  block_record(block).page_generation.fetch_add(1, std::memory_order_relaxed);
}

// What a block just taken from the free lists needs before its pages may be touched.
Result<void> make_usable(BlockIndex block) {
  if (!local().file.is_bounded()) return {};
  if (arena_descriptor() < 0) {
    return Failure{
        Error::no_memory, 0,
        "the arena's descriptor was closed by the program: its memory in /dev/shm cannot "
        "be reserved any more"};
  }
  const BlockRecord& record = block_record(block);
  return local().file.reserve(record.offset, record.capacity);
}

Result<Taken> take(std::uint32_t size_class) {
  auto taken = Books().take(size_class, nullptr);
  if (!taken || taken->block != kNoBlock) return taken;
  const os::MemoryLimit room = measure_room();
  return Books().take(size_class, &room);
}

Result<Taken> allocate(std::size_t bytes) {
  if (!in_family()) {
    if (auto joined = join_family(); !joined) return std::move(joined).failure();
  }
  const std::uint32_t size_class = class_of(bytes);
  if (size_class == kSizeClasses) {
    return Failure{Error::no_memory, 0,
                   "one block cannot be larger than " +
                       std::to_string(class_bytes(kSizeClasses - 1) >> 40) + " TiB"};
  }
  Result<Taken> taken = take(size_class);
  if (!taken && taken.error() == Error::no_memory) {
    // Warm blocks of other sizes, and what the dead hold, may be in the way.
    reclaim_dead();
    give_back_idle(0);
    taken = take(size_class);
  }
  if (!taken) return taken;
  block_record(taken->block).length = bytes;
  if (auto usable = make_usable(taken->block); !usable) {
    release_block(taken->block);
    return std::move(usable).failure();
  }
  return taken;
}

}  // namespace

Result<BlockIndex> allocate_block(std::size_t bytes) {
  auto taken = allocate(bytes);
  if (!taken) return std::move(taken).failure();
  return taken->block;
}

Result<BlockIndex> allocate_zero_block(std::size_t bytes) {
  auto taken = allocate(bytes);
  if (!taken) return std::move(taken).failure();
  if (!taken->untouched) {
    prepare_block(taken->block);
    std::memset(block_data(taken->block), 0, bytes);
  }
  return taken->block;
}

void note_written_in_place(BlockIndex block) noexcept {
  if (pages_fresh(block)) mark_filled(block);
}

void release_block(BlockIndex block) noexcept {
  // A fork child that goes through the motions of its parent must not free what is its parent's.
  if (!in_family() || owner_of(block) != OwnerWord::held(local().slot)) return;
  Books().put_back(block);
  housekeep();
}

void prepare_block(BlockIndex block) noexcept {
  const BlockRecord& record = block_record(block);
  if (record.capacity < kPopulateAtLeast) return;
  const bool fresh = pages_fresh(block);
  if (!fresh && pages_known(block)) return;
  os::populate(block_data(block), record.length);
  if (fresh) mark_filled(block);
  note_pages(block);
}

std::size_t block_length(BlockIndex block) noexcept { return block_record(block).length; }

void set_block_length(BlockIndex block, std::size_t bytes) noexcept {
  block_record(block).length = std::min<std::uint64_t>(bytes, block_record(block).capacity);
}

Result<void> fill_block(BlockIndex block, std::size_t offset, const void* source,
                        std::size_t bytes) {
  const BlockRecord& record = block_record(block);
  const auto* from = static_cast<const std::byte*>(source);
  if (record.capacity < kPopulateAtLeast) {
    stream_copy(block_data(block) + offset, from, bytes);
    return {};
  }
  if (pages_fresh(block) && arena_descriptor() >= 0) {
    // Through the kernel: it copies into pages that it need not clear first, and no fault is taken.
    if (auto written = local().file.write_at(record.offset + offset, source, bytes); !written) {
      return written;
    }
    if (offset + bytes >= record.length) mark_filled(block);
    return {};
  }
  prepare_block(block);
  stream_copy(block_data(block) + offset, from, bytes);
  return {};
}

BlockIndex block_around(const void* address) noexcept {
  if (!in_family()) return kNoBlock;
  const auto* byte = static_cast<const std::byte*>(address);
  if (byte < local().base + kDataOffset || byte >= local().base + local().capacity) return kNoBlock;
  const auto offset = static_cast<std::uint64_t>(byte - local().base);
  // Blocks are made at rising offsets: find the last that begins at or before the address.
  std::uint32_t low = 0;
  std::uint32_t high = block_count();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (block_record(middle).offset <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return kNoBlock;
  const BlockIndex block = low - 1;
  if (offset >= block_record(block).offset + block_record(block).capacity) return kNoBlock;
  return block;
}

BlockIndex block_at(const void* address) noexcept {
  const BlockIndex block = block_around(address);
  return block != kNoBlock && owner_of(block) == OwnerWord::held(local().slot) ? block : kNoBlock;
}

// The counts are this process's own; its threads order themselves by them.
void retain_view(BlockIndex block) noexcept {
  local_block(block).views.fetch_add(1, std::memory_order_relaxed);
}

void release_view(BlockIndex block) noexcept {
  // Acquire and release: the last to let go sees what the others did with the block.
  if (local_block(block).views.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  // What a process inherited across a fork that made it no member is its parent's still.
  if (!in_family()) return;
  {
    const std::lock_guard guard(local().views_mutex);
    const OwnerWord owner = owner_of(block);
    if (owner == OwnerWord::held(local().slot) ||
        (owner.state() == OwnerState::frozen && release_frozen(block))) {
      Books().put_back(block);
    }
  }
  housekeep();
}

bool surrender_view(BlockIndex block) noexcept {
  // Against a fork that freezes the block at this moment.
  const std::lock_guard guard(local().views_mutex);
  if (owner_of(block) != OwnerWord::held(local().slot)) return false;
  std::uint32_t one = 1;
  // Acquire and release: as in release_view().
  return local_block(block).views.compare_exchange_strong(one, 0, std::memory_order_acq_rel,
                                                          std::memory_order_acquire);
}

std::uint32_t view_count(BlockIndex block) noexcept {
  // Acquire: pairs with the release of who let go last.
  return local_block(block).views.load(std::memory_order_acquire);
}

}  // namespace onecopy::memory
