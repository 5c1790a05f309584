// The table of channels: making, holding and freeing them. A channel lives while any member's
// ledger has its bit.
//
// Any thread of any member; one works at a time, under the lock on the table. A death in the middle
// of making or freeing leaves a channel that is neither free nor open; the next who takes the lock
// over finishes freeing it.
#pragma once

#include <cstdint>

#include <onecopy/error.hpp>

#include "channel/channel.hpp"
#include "channel/record.hpp"

namespace onecopy::channel {

Result<Name> make_channel(const Options& options);
// Counts one more handle of this process.
Result<void> hold_channel(Name name);
// Counts one less; the last of the last member frees the channel and what lies in it.
void let_go_channel(Name name) noexcept;
inline bool is_open(Name name) noexcept {
  // Acquire: pairs with the release of who opened it; its record is there.
  return name.index < memory::kMaxChannels &&
         record_of(name.index).state.load(std::memory_order_acquire) ==
             make_state(name.generation, State::open);
}

}  // namespace onecopy::channel
