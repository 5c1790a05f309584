// Waiting for a word of shared memory to change: spin while that pays, then sleep.
//
// Any thread of any member may wait; whoever changes the word calls wake_one() or wake_all()
// afterwards. No wait is longer than one slice: then the caller looks at its signals and at who
// lives, and waits again. So a death between a change and its wake costs others one slice.
#pragma once

#include <atomic>
#include <cstdint>

#include "os/clock.hpp"
#include "os/futex.hpp"
#include "sync/sleepers.hpp"
#include "sync/spin.hpp"

namespace onecopy::sync {

inline constexpr os::Nanoseconds kSlice = 50 * os::kMillisecond;

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

inline void wake_one(std::atomic<std::uint64_t>& word, const Sleepers& sleepers) noexcept {
  if (anyone(sleepers)) os::futex_wake(os::low_half(&word), 1);
}

inline void wake_all(std::atomic<std::uint64_t>& word, const Sleepers& sleepers) noexcept {
  if (anyone(sleepers)) os::futex_wake(os::low_half(&word), 0x7fffffff);
}

}  // namespace onecopy::sync
