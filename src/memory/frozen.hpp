// What a fork does to the blocks that its parent looks into: they freeze. Both sides get private
// mappings of the same unchanging pages, as of ordinary memory, and both are holders by their
// ledgers; the block is free again when the last of them lets go.
//
// freeze_views() runs in the parent before the fork, with the views mutex held. A death in the
// middle leaves blocks held by the dead, or frozen with bits of the dead, which reclaim clears.
#pragma once

#include <cstdint>

#include "memory/block.hpp"

namespace onecopy::memory {

// Freezes every block this process looks into and makes `child` a holder of each.
void freeze_views(Slot child) noexcept;

// This process lets go of a frozen block. True: it was the last holder and the block, now held by
// this process, is to be put back.
bool release_frozen(BlockIndex block) noexcept;

// In the child, after a fork: lets go of the blocks that another thread of the parent was letting
// go of at that moment. No object here looks into them, and the thread is not here to finish.
void release_orphaned_views() noexcept;

// Clears what a dead member held frozen; frees what nobody holds any more.
void release_frozen_of_dead(Slot slot) noexcept;

}  // namespace onecopy::memory
