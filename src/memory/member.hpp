// The table of members: reserving places, being alive, dying.
//
// Any thread of any member may call. Reserving and freeing take the lock on the table; asking does
// not. A death in the middle of reserving leaves a place reserved by the dead, freed with it.
#pragma once

#include <cstdint>

#include <onecopy/error.hpp>

#include "memory/family.hpp"

namespace onecopy::memory {

// Whether the member that had this slot in this generation (its low 20 bits are compared) is still
// alive, or not born yet. A few microseconds: asks the kernel.
bool lives_as(std::uint32_t slot, std::uint32_t generation) noexcept;
// The same for whatever generation the slot has now; false for a free place.
bool is_living(std::uint32_t slot) noexcept;

// Reserves a place, for this process itself (`reserver` kNone) or for a child of this one.
Result<Ticket> reserve(std::uint32_t reserver) noexcept;
// This process becomes the member of a place that is reserved for it; false when it was taken back
// meanwhile.
bool occupy(Ticket ticket) noexcept;
// Frees the place of a dead or never born member; the caller has taken back what it held.
void vacate(std::uint32_t slot, std::uint32_t generation) noexcept;

// Whether the place is reserved or occupied.
bool is_taken(std::uint32_t slot) noexcept;
// Notes that this member ends in good order.
void mark_leaving(std::uint32_t slot) noexcept;

std::uint32_t generation_of(std::uint32_t slot) noexcept;

}  // namespace onecopy::memory
