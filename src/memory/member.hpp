// The table of members: reserving places, being alive, dying.
//
// A place goes free -> reserved -> living -> dead -> free, and may leave out living. Who is to take
// back what a member held makes its place dead first, by an exchange: from then on nobody comes to
// life in it, and whoever finds it dead may go on with the work.
//
// Any thread of any member may call. Reserving takes the lock on the table; asking does not. A
// death in the middle of reserving leaves a place reserved by the dead, freed with it.
#pragma once

#include <cstdint>
#include <optional>

#include <onecopy/error.hpp>

#include "memory/family.hpp"
#include "os/descriptor.hpp"

namespace onecopy::memory {

// Whether the member that had this slot in this generation (as cut_generation() gives it) is still
// alive, or not born yet. A few microseconds: asks the kernel.
bool lives_as(Slot slot, std::uint32_t generation) noexcept;
// The same for whatever generation the slot has now; false for a free place.
bool is_living(Slot slot) noexcept;

// Reserves a place, for this process itself (`reserver` kNoSlot) or for a child of this one. With
// `guard` it is a child by fork, and the place is good for as long as any process has that
// descriptor open; none is given where the system has no such thing.
Result<Ticket> reserve(Slot reserver, os::Descriptor* guard = nullptr) noexcept;
// This process becomes the member of a place that is reserved for it; false when it was taken back
// meanwhile.
bool occupy(Ticket ticket) noexcept;
// Makes a place of this process good for as long as `guard` is open and no longer (exec closes it).
os::Descriptor guard_place(Slot slot) noexcept;
// Makes the guard of the place `from` the guard of `to`, which needs no descriptor; false where it
// stayed as it was.
bool move_guard(const os::Descriptor& guard, Slot from, Slot to) noexcept;

// If the member of the place is dead: makes the place dead, and says which generation it was.
std::optional<Ticket> find_dead(Slot slot) noexcept;
// Makes a place dead in which nobody came to life; false where somebody did, or it is not that any
// more.
bool give_up(Ticket ticket) noexcept;
// Frees a dead place; the caller has taken back what its member held.
void vacate(Ticket ticket) noexcept;

// Whether the place is reserved or occupied.
bool is_taken(Slot slot) noexcept;

std::uint32_t generation_of(Slot slot) noexcept;
// The member's process; 0 while it is not known. Of the next one where the place changes meanwhile.
int pid_of(Slot slot) noexcept;

}  // namespace onecopy::memory
