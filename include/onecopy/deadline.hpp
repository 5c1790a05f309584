/// \file
/// How long a blocking call of the public API may wait, whatever unit of std::chrono it is given
/// in. Any thread may call these; nothing is shared.
///
/// Times are known by what they look like. `<chrono>` takes longer to compile than all of this
/// library, and who names a time has included it.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <onecopy/error.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

// std::chrono::duration.
template <class T>
concept Duration = requires(const T& time) {
  typename T::rep;
  T::period::num;
  T::period::den;
  time.count();
};
// std::chrono::time_point.
template <class T>
concept TimePoint = requires(const T& when) {
  { when - T::clock::now() } -> Duration;
};

// Nanoseconds to wait: kForever, or less.
inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

// Rounded up, so that nothing gives up early; what is too long to count waits for ever.
template <Duration Time>
std::int64_t nanoseconds(Time time) noexcept {
  using Real = std::common_type_t<typename Time::rep, double>;
  constexpr Real kCentury = 3.2e9;
  constexpr Real kSecond = 1e9;
  constexpr std::int64_t kOver = Time::period::num;
  constexpr std::int64_t kUnder = Time::period::den;
  const Real seconds = static_cast<Real>(time.count()) * kOver / kUnder;
  if (!(seconds > 0)) return 0;
  if (seconds > kCentury) return kForever;
  if constexpr (std::is_integral_v<typename Time::rep>) {
    __extension__ using Wide = __int128;  // holds a century in any unit, times a second
    return static_cast<std::int64_t>((Wide{time.count()} * kOver * 1'000'000'000 + kUnder - 1) /
                                     kUnder);
  } else {
    const Real exact = static_cast<Real>(time.count()) * (kSecond * kOver / kUnder);
    const auto whole = static_cast<std::int64_t>(exact);
    return static_cast<Real>(whole) < exact ? whole + 1 : whole;
  }
}

// What a call that was given a time answers: where the time was zero, "not now" is "not in time".
template <class R>
R timed(R result) {
  const bool out = result.error() == Error::full || result.error() == Error::empty;
  return out ? R(Error::timed_out) : std::move(result);
}

}  // namespace detail

}  // namespace onecopy
