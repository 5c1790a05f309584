#include "memory/frozen.hpp"

#include <cstdio>
#include <cstdlib>

#include "memory/books.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"

namespace onecopy::memory {
namespace {

// Changes the mapping of the blocks [first, last], which lie side by side: one mapping for a run of
// blocks, as there is a limit on mappings (vm.max_map_count).
void map_privately(BlockIndex first, BlockIndex last) noexcept {
  const std::uint64_t begin = block_record(first).offset;
  const std::uint64_t end = block_record(last).offset + block_record(last).capacity;
  std::byte* const address = local().base + begin;
  const int arena = arena_descriptor();
  const auto mapped = arena >= 0 ? os::map_private_over(address, arena, begin, end - begin)
                                 : os::copy_over(address, end - begin);
  if (mapped) return;
  // The range may be unmapped now, and a fork cannot be refused from here.
  std::fputs("onecopy: out of memory mappings at fork (vm.max_map_count)\n", stderr);
  std::abort();
}

bool last_to_let_go(BlockIndex block) noexcept {
  // Before looking for holders: the exchange fails where the block was frozen anew meanwhile.
  const OwnerWord seen = owner_of(block);
  return seen.state() == OwnerState::frozen && !ledger_held_by_anyone(Ledger::blocks, block) &&
         change_owner(block, seen, OwnerWord::held(local().slot));
}

// Relaxed: changed under the views mutex.
bool is_private(BlockIndex block) noexcept {
  return local().blocks[block].is_private.load(std::memory_order_relaxed) != 0;
}

// Whether a child would look into the block too: into one of our own that we look into, or into a
// frozen one that we have mapped privately, looked into or not. (What a process inherited that is
// no member is neither.)
bool is_viewed(BlockIndex block, OwnerWord owner) noexcept {
  const Slot me = local().slot;
  if (owner == OwnerWord::held(me)) return view_count(block) != 0;
  return owner.state() == OwnerState::frozen && is_private(block) &&
         ledger_has(Ledger::blocks, me, block);
}

}  // namespace

void freeze_views(Slot child) noexcept {
  const Slot me = local().slot;
  const std::uint32_t count = block_count();
  BlockIndex run = kNoBlock;  // first of the blocks side by side that turn private together
  for (BlockIndex block = 0; block <= count; ++block) {
    const OwnerWord owner = block < count ? owner_of(block) : OwnerWord();
    const bool viewed = block < count && is_viewed(block, owner);
    const bool turns = viewed && owner.state() == OwnerState::held;
    if (turns) {
      if (run == kNoBlock) run = block;
    } else if (run != kNoBlock) {
      map_privately(run, block - 1);
      run = kNoBlock;
    }
    if (!viewed) continue;
    // The holders first: nobody may find the block frozen and without them.
    ledger_set(Ledger::blocks, me, block);
    ledger_set(Ledger::blocks, child, block);
    if (turns) {
      local().blocks[block].is_private.store(1, std::memory_order_relaxed);
      set_owner(block, OwnerWord::frozen(++block_record(block).times_common));
    }
  }
}

void release_orphaned_views() noexcept {
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    if (is_private(block) && view_count(block) == 0 && release_frozen(block)) {
      Books().put_back(block);
    }
  }
}

bool release_frozen(BlockIndex block) noexcept {
  const BlockRecord& record = block_record(block);
  LocalBlock& mine = local().blocks[block];
  if (is_private(block)) {
    const int arena = arena_descriptor();
    if (arena < 0 ||
        !os::map_shared_over(local().base + record.offset, arena, record.offset, record.capacity)) {
      return false;  // still ours by the ledger: better kept than used through a wrong mapping
    }
    mine.is_private.store(0, std::memory_order_relaxed);
    mine.page_generation.store(0, std::memory_order_relaxed);
  }
  ledger_clear(Ledger::blocks, local().slot, block);
  return last_to_let_go(block);
}

void release_frozen_of_dead(Slot slot) noexcept {
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    if (ledger_has(Ledger::blocks, slot, block)) ledger_clear(Ledger::blocks, slot, block);
    if (last_to_let_go(block)) {
      Books().put_back(block);
    }
  }
}

}  // namespace onecopy::memory
