#include "memory/books.hpp"

#include <algorithm>
#include <string>

#include "memory/budget.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "memory/reference.hpp"
#include "memory/shared.hpp"
#include "memory/size_class.hpp"
#include "os/clock.hpp"

namespace onecopy::memory {
namespace {

// How many larger classes may serve while warm: a block a quarter too large beats cold pages.
constexpr std::uint32_t kStretch = 2;

FreeList& list_of(const BlockRecord& record) noexcept {
  return record.warm != 0 ? header().warm_lists[record.size_class]
                          : header().cold_lists[record.size_class];
}

void push(BlockIndex block) noexcept {
  BlockRecord& record = block_record(block);
  FreeList& list = list_of(record);
  set_purpose(block, Purpose::data);
  record.newer = kNoBlock;
  record.older = list.newest;
  if (list.newest != kNoBlock) {
    block_record(list.newest).newer = block;
  } else {
    list.oldest = block;
  }
  list.newest = block;
  if (record.warm != 0) header().warm += record.capacity;
}

void unlink(BlockIndex block) noexcept {
  const BlockRecord& record = block_record(block);
  FreeList& list = list_of(record);
  (record.newer != kNoBlock ? block_record(record.newer).older : list.newest) = record.older;
  (record.older != kNoBlock ? block_record(record.older).newer : list.oldest) = record.newer;
  if (record.warm != 0) header().warm -= record.capacity;
}

void count_resident(BlockRecord& record) noexcept {
  record.warm = 1;
  header().resident += record.capacity;
  header().highest_resident = std::max(header().highest_resident, header().resident);
}

}  // namespace

Books::Books() noexcept {
  if (lock(header().books) == Acquired::from_dead) rebuild_books();
}

Books::~Books() { unlock(header().books); }

Result<Taken> Books::take(std::uint32_t size_class, const os::MemoryLimit* measured) {
  ArenaHeader& books = header();
  const std::uint32_t last = std::min(size_class + kStretch, kSizeClasses - 1);
  for (std::uint32_t c = size_class; c <= last; ++c) {
    const BlockIndex block = books.warm_lists[c].newest;
    if (block == kNoBlock) continue;
    unlink(block);
    set_owner(block, OwnerWord::held(local().slot));
    return Taken{block, false};
  }
  const auto granted = grant(class_bytes(size_class), measured);
  if (!granted) return granted.failure();
  if (*granted == Granted::measure_first) return Taken{};
  const BlockIndex cold = books.cold_lists[size_class].newest;
  if (cold == kNoBlock) return make(size_class);
  unlink(cold);
  count_resident(block_record(cold));
  set_owner(cold, OwnerWord::held(local().slot));
  return Taken{cold, true};
}

Result<Taken> Books::make(std::uint32_t size_class) {
  ArenaHeader& books = header();
  const BlockIndex block = block_count();
  const std::uint64_t bytes = class_bytes(size_class);
  if (block == kMaxBlocks) {
    return Failure{Error::too_many, 0,
                   "the arena's table of " + std::to_string(kMaxBlocks) + " blocks is full"};
  }
  if (bytes > books.capacity - books.data_end) {
    return Failure{Error::no_memory, 0,
                   "the arena's address space is used up (RLIMIT_AS sets how much it reserves)"};
  }
  BlockRecord& record = block_record(block);
  record.offset = books.data_end;
  record.capacity = bytes;
  record.size_class = static_cast<std::uint16_t>(size_class);
  record.warm = 0;
  record.page_generation.store(1, std::memory_order_relaxed);
  set_owner(block, OwnerWord::held(local().slot));
  books.data_end += bytes;
  count_resident(record);
  // Release: pairs with the acquires of block_count elsewhere; the block exists from here on.
  books.block_count.store(block + 1, std::memory_order_release);
  return Taken{block, true};
}

void Books::put_back(BlockIndex block) noexcept {
  const SharedName named = named_by(block);
  block_record(block).freed_at = static_cast<std::uint64_t>(os::now());
  set_owner(block, OwnerWord::free());
  push(block);
  // A death before this: who takes the lock over counts anew, and who reclaims the dead looks at
  // every shared block.
  if (named.block == kNoBlock) return;
  --block_record(named.block).references;
  free_if_unheld(*this, named.block);
}

BlockIndex Books::take_idle(std::uint64_t until) noexcept {
  const ArenaHeader& books = header();
  if (books.warm == 0) return kNoBlock;
  BlockIndex victim = kNoBlock;
  std::uint64_t freed_at = until;
  for (const FreeList& list : books.warm_lists) {
    if (list.oldest == kNoBlock || block_record(list.oldest).freed_at >= freed_at) continue;
    victim = list.oldest;
    freed_at = block_record(victim).freed_at;
  }
  if (victim == kNoBlock) return kNoBlock;
  unlink(victim);
  set_owner(victim, OwnerWord::held(local().slot));
  return victim;
}

void Books::put_back_cold(BlockIndex block) noexcept {
  BlockRecord& record = block_record(block);
  header().resident -= record.capacity;
  record.warm = 0;
  set_owner(block, OwnerWord::free());
  push(block);
}

void rebuild_books() noexcept {
  ArenaHeader& books = header();
  books.resident = 0;
  books.warm = 0;
  books.data_end = kDataOffset;
  for (std::uint32_t c = 0; c < kSizeClasses; ++c) {
    books.warm_lists[c] = {kNoBlock, kNoBlock};
    books.cold_lists[c] = {kNoBlock, kNoBlock};
  }
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    BlockRecord& record = block_record(block);
    books.data_end = record.offset + record.capacity;
    if (owner_of(block).state() == OwnerState::free) {
      push(block);
    } else {
      // Whoever holds it may have touched it.
      record.warm = 1;
    }
    if (record.warm != 0) books.resident += record.capacity;
  }
  books.highest_resident = std::max(books.highest_resident, books.resident);
  count_references();
}

}  // namespace onecopy::memory
