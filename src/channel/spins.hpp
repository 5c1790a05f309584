// What a handle has learnt: how long its waits take, and where its next message will lie. Private
// to the process.
#pragma once

#include <atomic>
#include <cstddef>

#include "channel/channel.hpp"
#include "sync/spin.hpp"

namespace onecopy::channel {

struct Channel::Spins {
  sync::SpinBudget message;
  sync::SpinBudget room;
  sync::SpinBudget done;

  // Behind the last message that this handle has put, and found in its segment. Another handle may
  // have gone on since, and the segment may be free: the memory is only fetched, never looked at.
  // Relaxed, as the budgets.
  std::atomic<const std::byte*> next_put{nullptr};
  std::atomic<const std::byte*> next_taken{nullptr};
};

}  // namespace onecopy::channel
