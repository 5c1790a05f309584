// Waiting for a word of shared memory to change: spin while that pays, then sleep.
//
// Any thread of any member may wait; whoever changes the word calls wake_one() or wake_all()
// afterwards, sleepers or not. No wait is longer than one slice: then the caller looks at its
// signals and at who lives, and waits again. So a death between a change and its wake costs others
// one slice.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include <onecopy/error.hpp>
#include <onecopy/stop.hpp>

#include "os/clock.hpp"
#include "os/futex.hpp"
#include "sync/sleepers.hpp"
#include "sync/spin.hpp"
#include "trace/trace.hpp"

namespace onecopy::sync {

inline constexpr os::Nanoseconds kSlice = 50 * os::kMillisecond;

// Until when to wait: who is asked to stop has no time left. To be asked anew for each slice.
inline os::Deadline unless_stopped(os::Deadline deadline, const detail::Stop& stop) noexcept {
  return stop.requested() ? os::Deadline::at(0) : deadline;
}

// For a wait that is not cut into slices otherwise: `within(nanoseconds)` waits so long at most
// (Error::timed_out).
template <class Within>
auto until_stopped(const detail::Stop& stop, const Within& within) {
  for (;;) {
    const bool stopped = stop.requested();
    auto result = within(stopped ? 0 : kSlice);
    if (result.error() != Error::timed_out) return result;
    if (stopped) return decltype(result)(Error::stopped);
  }
}

enum class Wait : std::uint8_t { ready, timed_out, interrupted };

// Sleeps on the low half of `word` until ready(), one slice at most.
template <class Ready>
Wait sleep_on(std::atomic<std::uint64_t>& word, Sleepers& sleepers, const Ready& ready,
              os::Deadline deadline) noexcept {
  const os::Deadline slice = deadline.earlier_of(kSlice);
  const std::uint32_t epoch = enter(sleepers);
  Wait outcome = Wait::ready;
  for (;;) {
    // Read before ready() is asked: a change after this line makes the futex return at once.
    const auto seen = static_cast<std::uint32_t>(word.load(std::memory_order_seq_cst));
    if (ready()) break;
    const os::FutexWait slept = os::futex_wait(os::low_half(&word), seen, slice);
    if (slept != os::FutexWait::changed) trace::add(trace::Counter::sleeps, 1);
    if (slept == os::FutexWait::interrupted) {
      outcome = Wait::interrupted;
      break;
    }
    if (slept == os::FutexWait::timed_out) {
      outcome = ready() ? Wait::ready : Wait::timed_out;
      break;
    }
  }
  leave(sleepers, epoch);
  return outcome;
}

template <class Ready>
Wait wait_on(std::atomic<std::uint64_t>& word, Sleepers& sleepers, SpinBudget& budget,
             const Ready& ready, os::Deadline deadline) noexcept {
  if (budget.spin(ready, deadline)) return Wait::ready;
  return sleep_on(word, sleepers, ready, deadline);
}

// Wakes up to `count` sleepers; returns how many. No system call where nobody sleeps.
inline int wake(std::atomic<std::uint64_t>& word, const Sleepers& sleepers, int count) noexcept {
  if (!anyone(sleepers)) return 0;
  const int woken = os::futex_wake(os::low_half(&word), count);
  if (woken > 0) trace::add(trace::Counter::wakes, static_cast<std::uint64_t>(woken));
  return woken;
}

inline int wake_one(std::atomic<std::uint64_t>& word, const Sleepers& sleepers) noexcept {
  return wake(word, sleepers, 1);
}

inline int wake_all(std::atomic<std::uint64_t>& word, const Sleepers& sleepers) noexcept {
  return wake(word, sleepers, std::numeric_limits<int>::max());
}

}  // namespace onecopy::sync
