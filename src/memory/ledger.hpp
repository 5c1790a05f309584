// The ledgers: for each member one bit a channel and one bit a frozen or shared block, set while
// the member holds it. There are no shared reference counts: a count and the reason for it are two
// stores, and a death can fall between; the bits are the truth, and whoever clears the last one
// frees.
//
// Any thread of any member may call. Each change is one store.
#pragma once

#include <atomic>
#include <cstdint>

#include "memory/layout.hpp"

namespace onecopy::memory {

enum class Ledger : std::uint8_t { channels, blocks };

void ledger_set(Ledger ledger, Slot slot, std::uint32_t index) noexcept;
void ledger_clear(Ledger ledger, Slot slot, std::uint32_t index) noexcept;
bool ledger_has(Ledger ledger, Slot slot, std::uint32_t index) noexcept;
// Whether any member, dead or alive, has the bit.
bool ledger_held_by_anyone(Ledger ledger, std::uint32_t index) noexcept;
// Gives `to` every bit that `from` has.
void ledger_copy(Ledger ledger, Slot from, Slot to) noexcept;

}  // namespace onecopy::memory
