// Taking back what dead members held.
//
// Any thread of any member may call reclaim_dead() (family.hpp) at any time; one works at a time.
// Every step may be done again: a death in the middle is found by the next who looks. The rooms
// above are asked first, so that no lock is held by the dead and no block is between two owners
// when the blocks are looked at.
#pragma once

#include <cstdint>

#include "memory/family.hpp"

namespace onecopy::memory {

// Called for each dead member before its blocks are taken back: release its locks, repair, clear
// its ledger. Idempotent. Set while the program is loaded, so that every member of a family has it.
// One for each room above that has something to take back.
using ReclaimHook = void (*)(Slot slot, std::uint32_t generation);
bool add_reclaim_hook(ReclaimHook hook) noexcept;

// Takes back a reserved place, with all it holds, whose member will never be born. Nothing where it
// was.
void reclaim_unborn(Ticket ticket) noexcept;

// reclaim_dead(), at most once a second in the whole family, and not while somebody is at it: for
// whoever has nothing better to do.
void look_for_dead() noexcept;

}  // namespace onecopy::memory
