// Putting a channel right after a member died while it held one of its locks.
//
// The progress words are the truth: what is not committed there did not happen. A repair can be
// done again from its start, so a death during it is no different from the first.
#pragma once

#include <cstdint>

#include "memory/block.hpp"

namespace onecopy::channel {

// Called with the lock for putting (getting) held, just taken over from a dead member.
void repair_putting(std::uint32_t channel) noexcept;
void repair_getting(std::uint32_t channel) noexcept;

// Takes over, repairs and releases whichever of the channel's locks that dead member holds.
void release_locks_of_dead(std::uint32_t channel, std::uint32_t slot,
                           std::uint32_t generation) noexcept;

// Forgets everybody who sleeps on the channel: the dead, and the living, who look again at the end
// of their slice.
void forget_sleepers(std::uint32_t channel) noexcept;

// Frees a block that was on its way in or out when its message was given up, with the parts of it.
void free_with_parts(memory::BlockIndex head) noexcept;

// Frees every block that belongs to a channel which nobody holds any more, also what a dead member
// left on its way.
void free_blocks_of_channel(std::uint32_t channel) noexcept;

}  // namespace onecopy::channel
