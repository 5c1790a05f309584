// Blocks that are shared: one and the same memory for every member that holds them, across forks
// too. What locks and shared arrays lie in.
//
// Holders have a bit in their ledger of blocks, and each process counts its own handles; what is
// under way in a message is held by a reference (reference.hpp). The block is free again when the
// last of them is gone, let go or reclaimed. Any thread of any member may call.
// Making, holding and letting go take the process's mutex of handles; who comes to hold a block by
// its name, or frees it, has the lock on the books. (A child is made a holder without it, by a
// parent that is one.) A death in the middle leaves a block that the dead held, or one that nobody
// holds, which the reclaim of the dead frees.
#pragma once

#include <cstddef>
#include <cstdint>

#include <onecopy/error.hpp>

#include "memory/layout.hpp"

namespace onecopy::memory {

class Books;

// What a shared block is called between processes. The time tells it from any later use of the
// block.
struct SharedName {
  BlockIndex block = kNoBlock;
  std::uint32_t time = 0;

  bool operator==(const SharedName&) const = default;
};

// A block of at least `bytes` zero bytes; this process has one handle on it. Fresh pages are not
// touched here.
Result<SharedName> make_shared_block(std::size_t bytes, Purpose purpose);
// Makes a block shared that this process holds and nothing looks into, with what is in it; this
// process has one handle on it.
SharedName share_block(BlockIndex block, Purpose purpose) noexcept;
// One more handle of this process. Error::closed: nobody holds it any more.
Result<void> hold_shared(SharedName name);
// One less; the last of the last member frees the block.
void let_go_shared(SharedName name) noexcept;
// Makes the member in that place, a child that is about to start, a holder too. This process has a
// handle.
void hold_shared_for(SharedName name, Slot child) noexcept;

// The shared block where `address` lies, if it is for that purpose and this process has a handle on
// it; else one without a block.
SharedName shared_at(const void* address, Purpose purpose) noexcept;

// Before a fork, with the mutex of handles held: the child has every handle that this process has.
void share_holds(Slot child) noexcept;
// Calls `visit` with each shared block of that purpose, under the lock on the books, so that it is
// that for as long as `visit` looks at it. Not to be called by who holds a lock that `visit` takes.
void for_each_shared(Purpose purpose, void (*visit)(std::byte* data, const void* context),
                     const void* context) noexcept;

// Frees the block if it is a shared one that nothing holds. With the lock on the books, under which
// alone holders come to a shared block: so that none comes between the look and the freeing.
void free_if_unheld(Books& books, BlockIndex block) noexcept;

// Clears what a dead member held; frees what nobody holds any more.
void release_shared_of_dead(Slot slot) noexcept;

}  // namespace onecopy::memory
