// Taking a lock as its users do: who is sent away to look for signals comes back.
#pragma once

#include "sync/lock.hpp"

namespace onecopy::testing {

inline sync::Locked take(sync::Lock& lock) {
  sync::Locked taken = sync::Locked::interrupted;
  while (taken == sync::Locked::interrupted) taken = lock.acquire(os::Deadline::never());
  return taken;
}

}  // namespace onecopy::testing
