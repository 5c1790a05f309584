// The slices that a wait for other processes is cut into: at the end of each the waiter looks
// whether those it waits for live. Short ones first, as a death is to cost others little.
//
// Slices belong to one call of one thread and go on through its rounds. Looking asks the kernel
// about each member, so those who wait for the same thing take turns: a Turn lies in shared memory,
// and a death of who has it costs others one interval.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "os/clock.hpp"
#include "sync/wait.hpp"

namespace onecopy::sync {

// How a wait ended, or what a part of it was that lasted for a slice at most.
enum class Waited : std::uint8_t {
  done,
  timed_out,
  again,  // a slice is over, or a signal came: look at your signals and call again
};

class Slices {
 public:
  explicit Slices(os::Deadline deadline, detail::Stop stop = {}) noexcept
      : deadline_(deadline), stop_(stop) {}

  bool has_expired() const noexcept { return unless_stopped(deadline_, stop_).expired(); }
  // How long to sleep at most: to the end of this slice, or to the deadline.
  os::Deadline end() noexcept {
    if (slice_.is_never()) slice_ = os::Deadline::after(length_);
    return os::Deadline::at(std::min(slice_.when(), unless_stopped(deadline_, stop_).when()));
  }
  // Whether this slice is over; the next one is longer.
  bool next() noexcept {
    if (slice_.is_never() || !slice_.expired()) return false;
    length_ = std::min(2 * length_, kSlice);
    slice_ = os::Deadline::after(length_);
    return true;
  }
  // From now on there is no deadline.
  void wait_for_ever() noexcept { deadline_ = os::Deadline::never(); }

 private:
  static constexpr os::Nanoseconds kFirst = 2 * os::kMillisecond;

  os::Deadline deadline_;
  detail::Stop stop_;
  os::Deadline slice_ = os::Deadline::never();  // not begun
  os::Nanoseconds length_ = kFirst;
};

// Equation: `last` is when somebody last looked, by the monotonic clock.
struct Turn {
  std::atomic<std::uint64_t> last;

  // Whether the caller is to look.
  bool take() noexcept {
    constexpr std::uint64_t kInterval = 20 * os::kMillisecond;
    // Relaxed: the exchange decides; a stale read only skips or repeats a look.
    std::uint64_t seen = last.load(std::memory_order_relaxed);
    const auto now = static_cast<std::uint64_t>(os::now());
    return now - seen >= kInterval &&
           last.compare_exchange_strong(seen, now, std::memory_order_relaxed);
  }
};
static_assert(sizeof(Turn) == 8 && std::is_standard_layout_v<Turn> &&
              std::is_trivially_copyable_v<Turn>);

}  // namespace onecopy::sync
