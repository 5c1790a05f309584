#include "os/futex.hpp"

#include <cassert>
#include <cerrno>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace onecopy::os {

FutexWait futex_wait(void* word, std::uint32_t expected, Deadline deadline) noexcept {
  // FUTEX_WAIT_BITSET takes a point of time, FUTEX_WAIT a length: only a point stays right when
  // the wait is repeated after a signal.
  const timespec until = to_timespec(deadline.when());
  const long result =
      syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline.is_never() ? nullptr : &until,
              nullptr, FUTEX_BITSET_MATCH_ANY);
  if (result == 0) return FutexWait::woken;
  switch (errno) {
    case ETIMEDOUT:
      return FutexWait::timed_out;
    case EINTR:
      return FutexWait::interrupted;
    default:
      // EFAULT and EINVAL mean that this is no mapped, aligned word. Whoever is told "changed"
      // reads the word next, and meets the fault there.
      assert(errno == EAGAIN);
      return FutexWait::changed;
  }
}

FutexWait futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                     Deadline deadline) noexcept {
  return futex_wait(static_cast<void*>(word), expected, deadline);
}

int futex_wake(void* word, int count) noexcept {
  const long woken = syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0);
  assert(woken >= 0);
  return woken < 0 ? 0 : static_cast<int>(woken);
}

int futex_wake(std::atomic<std::uint32_t>* word, int count) noexcept {
  return futex_wake(static_cast<void*>(word), count);
}

}  // namespace onecopy::os
