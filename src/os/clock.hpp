// Time that never goes backwards and is the same for every process of the machine.
//
// Who may call: any thread of any process, in a fork child too; nothing allocates or is shared.
// A deadline is a plain number: it may lie in shared memory and outlive who wrote it.
// (Processes in different time namespaces read different clocks; a family lives in one.)
#pragma once

#include <cstdint>
#include <ctime>
#include <limits>

namespace onecopy::os {

using Nanoseconds = std::int64_t;

inline constexpr Nanoseconds kMicrosecond = 1'000;
inline constexpr Nanoseconds kMillisecond = 1'000'000;
inline constexpr Nanoseconds kSecond = 1'000'000'000;

// CLOCK_MONOTONIC; about 20 ns, without entering the kernel.
Nanoseconds now() noexcept;

// A point of time until which to wait.
class Deadline {
 public:
  static constexpr Deadline never() noexcept { return Deadline(kNever); }
  // A length that is not positive has already expired; one too long to count is never.
  static Deadline after(Nanoseconds length) noexcept;
  static constexpr Deadline at(Nanoseconds when) noexcept { return Deadline(when); }

  bool expired() const noexcept { return !is_never() && now() >= when_; }
  constexpr bool is_never() const noexcept { return when_ == kNever; }
  // 0 once expired; the largest number for never.
  Nanoseconds remaining() const noexcept;
  // The point itself, as now() counts; the largest number for never.
  constexpr Nanoseconds when() const noexcept { return when_; }
  // This deadline, or one slice from now, whichever comes first.
  Deadline earlier_of(Nanoseconds slice_from_now) const noexcept;

  friend constexpr bool operator==(Deadline, Deadline) noexcept = default;

 private:
  static constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();
  explicit constexpr Deadline(Nanoseconds when) noexcept : when_(when) {}

  Nanoseconds when_;
};

// What the kernel wants to read; points and lengths before zero become zero.
timespec to_timespec(Nanoseconds time) noexcept;

// Sleeps until the deadline. False when a signal came first.
bool sleep_until(Deadline deadline) noexcept;

}  // namespace onecopy::os
