#include "memory/frozen.hpp"

#include <cstdio>
#include <cstdlib>

#include "memory/books.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"

namespace onecopy::memory {
namespace {

// Changes the mapping of the blocks [first, last], which lie side by side: one mapping for a run of
// blocks, as there is a limit on mappings (vm.max_map_count).
void map_privately(BlockIndex first, BlockIndex last) noexcept {
  const std::uint64_t begin = block_record(first).offset;
  const std::uint64_t end = block_record(last).offset + block_record(last).capacity;
  if (os::map_private_over(local().base + begin, local().file.descriptor(), begin, end - begin)) {
    return;
  }
  // The range may be unmapped now, and a fork cannot be refused from here.
  std::fputs("onecopy: out of memory mappings at fork (vm.max_map_count)\n", stderr);
  std::abort();
}

bool last_to_let_go(BlockIndex block) noexcept {
  return !ledger_held_by_anyone(Ledger::blocks, block) &&
         change_owner(block, OwnerWord::frozen(), OwnerWord::held(local().slot));
}

}  // namespace

void freeze_views(std::uint32_t child) noexcept {
  const std::uint32_t me = local().slot;
  const std::uint32_t count = header().block_count.load(std::memory_order_acquire);
  BlockIndex run = kNoBlock;  // first of the blocks side by side that turn private together
  for (BlockIndex block = 0; block <= count; ++block) {
    const bool viewed = block < count && view_count(block) != 0;
    const bool turns = viewed && owner_of(block) == OwnerWord::held(me);
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
      set_owner(block, OwnerWord::frozen());
    }
  }
}

bool release_frozen(BlockIndex block) noexcept {
  const BlockRecord& record = block_record(block);
  LocalBlock& mine = local().blocks[block];
  if (mine.is_private.load(std::memory_order_relaxed) != 0) {
    if (!os::map_shared_over(local().base + record.offset, local().file.descriptor(),
                             record.offset, record.capacity)) {
      return false;  // still ours by the ledger: better kept than used through a wrong mapping
    }
    mine.is_private.store(0, std::memory_order_relaxed);
    mine.page_generation.store(0, std::memory_order_relaxed);
  }
  ledger_clear(Ledger::blocks, local().slot, block);
  return last_to_let_go(block);
}

void release_frozen_of_dead(std::uint32_t slot) noexcept {
  const std::uint32_t count = header().block_count.load(std::memory_order_acquire);
  for (BlockIndex block = 0; block < count; ++block) {
    if (ledger_has(Ledger::blocks, slot, block)) ledger_clear(Ledger::blocks, slot, block);
    if (owner_of(block).state() == OwnerState::frozen && last_to_let_go(block)) {
      Books().put_back(block);
    }
  }
}

}  // namespace onecopy::memory
