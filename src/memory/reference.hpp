// References: holds on shared blocks that are under way from one process to another.
//
// A member's hold is a bit in its ledger, and a message is no member. So each reference is a block
// of its own, which its message owns like any other of its blocks: as long as that block is in use,
// whoever's it is, the shared block stays. All that is true of the blocks of a message, across the
// death of anybody, is true of references, and what frees the block lets go of the shared one
// (Books::put_back). Nothing is in its pages: the name is in its record. References are made and
// freed under the lock on the books, and how many name a shared block is one of the books' figures:
// counted anew after a death.
//
// Any thread of any member may call. A death in the middle leaves a reference held by the dead, or
// a shared block that nothing holds; the reclaim of the dead frees both.
#pragma once

#include <onecopy/error.hpp>

#include "memory/shared.hpp"

namespace onecopy::memory {

// A reference held by this process, which has a handle on the shared block.
Result<BlockIndex> make_reference(SharedName name);
// One more handle of this process for a reference that it holds, which is freed in any case.
// Error::corrupt: it is none.
Result<SharedName> take_reference(BlockIndex reference);

// What the block names, if it is a reference; else a name without a block. For who holds it, or
// has the lock on the books.
SharedName named_by(BlockIndex block) noexcept;
// Counts the references to every shared block, for who rebuilds the books.
void count_references() noexcept;

}  // namespace onecopy::memory
