// What a handle has learnt about how long its waits take; private to the process.
#pragma once

#include "channel/channel.hpp"
#include "sync/spin.hpp"

namespace onecopy::channel {

struct Channel::Spins {
  sync::SpinBudget message;
  sync::SpinBudget room;
  sync::SpinBudget done;
};

}  // namespace onecopy::channel
