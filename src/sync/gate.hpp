// The gate of a lock: what the lock guards is touched for some nanoseconds without taking it.
//
// A thread announces in a word of its own what it touches, then looks at the lock; who takes the
// lock puts its name there, then looks at the announcements. So at least one of the two sees the
// other: the thread draws back and takes the lock, or the taker waits until the announcement is
// gone. Touches shut nobody out but takers of the lock, and cost one exchange.
//
// Any thread of any member may call. A death in the middle of a touch leaves an announcement of the
// dead, which holds nobody up: a taker asks whether its owner lives. A stopped (SIGSTOP) owner is
// alive: takers wait. docs/layout/lock.md has the deaths, store by store.
#pragma once

#include <atomic>
#include <cstdint>

#include "os/clock.hpp"
#include "sync/announcement.hpp"

namespace onecopy::sync {

inline void end_touch(Announcement* own) noexcept {
  // Release: pairs with the load of who takes the lock and finds us gone.
  own->touched.store(0, std::memory_order_release);
}

// Waits until no living thread touches `what`; the caller has made sure that no touch begins. False
// when the deadline or a signal came first.
bool wait_until_untouched(std::uint64_t what, os::Deadline deadline) noexcept;

}  // namespace onecopy::sync
