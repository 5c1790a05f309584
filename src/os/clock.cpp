#include "os/clock.hpp"

#include <algorithm>
#include <cerrno>

namespace onecopy::os {

static_assert(sizeof(time_t) == 8, "times are counted in 64 bits");

Nanoseconds now() noexcept {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

Deadline Deadline::after(Nanoseconds length) noexcept {
  if (length <= 0) return Deadline(0);  // without a look at the clock
  Nanoseconds when;
  if (__builtin_add_overflow(now(), length, &when)) return never();
  return Deadline(when);
}

Nanoseconds Deadline::remaining() const noexcept {
  if (is_never()) return kNever;
  Nanoseconds left;
  if (__builtin_sub_overflow(when_, now(), &left)) return 0;
  return std::max<Nanoseconds>(left, 0);
}

Deadline Deadline::earlier_of(Nanoseconds slice_from_now) const noexcept {
  return Deadline(std::min(when_, after(slice_from_now).when_));
}

timespec to_timespec(Nanoseconds time) noexcept {
  time = std::max<Nanoseconds>(time, 0);
  return {static_cast<time_t>(time / kSecond), static_cast<long>(time % kSecond)};
}

bool sleep_until(Deadline deadline) noexcept {
  const timespec until = to_timespec(deadline.when());
  return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != EINTR;
}

}  // namespace onecopy::os
