// How long a blocking call of the public API may wait, whatever unit of std::chrono it is given in.
// Any thread may call these; nothing is shared.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

#include <onecopy/error.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

// Nanoseconds to wait: kForever, or less.
inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

// Rounded up, so that nothing gives up early; what is too long to count waits for ever.
template <class Rep, class Period>
std::int64_t nanoseconds(std::chrono::duration<Rep, Period> time) noexcept {
  using Seconds = std::chrono::duration<double>;
  constexpr double kCentury = 3.2e9;
  const double seconds = Seconds(time).count();
  if (!(seconds > 0)) return 0;
  if (seconds > kCentury) return kForever;
  return std::chrono::ceil<std::chrono::nanoseconds>(time).count();
}

// What a call that was given a time answers: where the time was zero, "not now" is "not in time".
template <class R>
R timed(R result) {
  const bool out = result.error() == Error::full || result.error() == Error::empty;
  return out ? R(Error::timed_out) : std::move(result);
}

}  // namespace detail

}  // namespace onecopy
