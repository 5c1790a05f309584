// The family: the processes that share this arena, and this process's place among them.
//
// join_family() makes the arena on first use (this process is then the root) and is otherwise free.
// A child made by fork(), by whoever calls it, is a member from its first instruction on: its place
// is reserved before the fork. A child started afresh is given a ticket (descriptor, slot,
// generation) by its parent and adopts it. Any thread may call these.
#pragma once

#include <cstdint>
#include <string>

#include <onecopy/error.hpp>

#include "memory/local.hpp"

namespace onecopy::memory {

struct Ticket {
  Slot slot = kNoSlot;
  std::uint32_t generation = 0;

  bool operator==(const Ticket&) const = default;
};

// Makes sure that this process is a member of a family, its own if need be.
Result<void> join_family();
inline bool in_family() noexcept {
  // Acquire: pairs with the release in join_family() and adopt(); the rest of local() is filled in.
  return local().mapped.load(std::memory_order_acquire) && local().slot != kNoSlot;
}
inline Slot self() noexcept { return local().slot; }
// The same for good: no other member, and no child of this one, ever has this ticket.
Ticket self_ticket() noexcept;

// The arena's descriptor, to be handed to a child started afresh; checked to be still the arena's.
Result<int> family_descriptor();

// Reserves a place for a child that is not born yet; it holds what this process gives it by
// hold_for() and is released by release_place() if the child never comes.
Result<Ticket> reserve_place();
void release_place(Ticket ticket) noexcept;
// Tells which process a reserved place is for, once that is known, so that its death is noticed.
void name_newcomer(Ticket ticket, int pid) noexcept;

// To be called after fork() returned in the parent, by the thread that called it: who the child is,
// or -1 that there is none. Optional: without it a child that dies before its first instruction
// keeps its place until its parent ends, where the system has no guards for places (member.hpp).
void forked(int pid) noexcept;

// Becomes the member of `ticket` in the family whose arena is `descriptor` (which is not consumed).
// Error::version_mismatch names both versions. In a process that is a member already: nothing.
Result<void> adopt(int descriptor, Ticket ticket);

// Looks for dead members and takes back what they held. Returns how many were found.
std::uint32_t reclaim_dead() noexcept;

}  // namespace onecopy::memory
