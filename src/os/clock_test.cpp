#include "os/clock.hpp"

#include <csignal>

#include <gtest/gtest.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;
using testing::Shared;

constexpr Nanoseconds kForever = std::numeric_limits<Nanoseconds>::max();

TEST(Clock, NeverGoesBackwards) {
  Nanoseconds last = now();
  for (int i = 0; i < 1'000; ++i) {
    const Nanoseconds next = now();
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(Clock, IsTheSameInAnotherProcess) {
  Shared<Nanoseconds> seen;
  const Nanoseconds before = now();
  testing::run_in_child([&] {
    *seen = now();
    return 0;
  });
  EXPECT_LE(before, *seen);
  EXPECT_LE(*seen, now());
}

TEST(Deadline, NeverDoesNotExpire) {
  EXPECT_TRUE(Deadline::never().is_never());
  EXPECT_FALSE(Deadline::never().expired());
  EXPECT_EQ(Deadline::never().remaining(), kForever);
}

TEST(Deadline, ExpiresWhenItsTimeHasCome) {
  const Nanoseconds start = now();
  const Deadline soon = Deadline::after(kMillisecond);
  EXPECT_GE(soon.when(), start + kMillisecond);
  while (!soon.expired()) {
  }
  EXPECT_GE(now(), soon.when());
  EXPECT_EQ(soon.remaining(), 0);
}

TEST(Deadline, InThePastHasExpired) {
  EXPECT_TRUE(Deadline::after(0).expired());
  EXPECT_TRUE(Deadline::after(-5).expired());
  EXPECT_TRUE(Deadline::at(0).expired());
  EXPECT_EQ(Deadline::at(std::numeric_limits<Nanoseconds>::min()).remaining(), 0);
}

TEST(Deadline, TooFarToCountIsNever) { EXPECT_TRUE(Deadline::after(kForever - 1).is_never()); }

TEST(Deadline, TellsWhatIsLeft) {
  const Deadline hour = Deadline::after(3'600 * kSecond);
  EXPECT_GT(hour.remaining(), 3'000 * kSecond);
  EXPECT_LE(hour.remaining(), 3'600 * kSecond);
}

TEST(Deadline, IsCutToASlice) {
  const Deadline slice = Deadline::never().earlier_of(50 * kMillisecond);
  EXPECT_LE(slice.remaining(), 50 * kMillisecond);
  const Deadline past = Deadline::at(1);
  EXPECT_EQ(past.earlier_of(50 * kMillisecond), past);
  EXPECT_TRUE(Deadline::never().earlier_of(kForever).is_never());
}

TEST(Timespec, SplitsSecondsAndNeverIsNegative) {
  EXPECT_EQ(to_timespec(3 * kSecond + 7).tv_sec, 3);
  EXPECT_EQ(to_timespec(3 * kSecond + 7).tv_nsec, 7);
  EXPECT_EQ(to_timespec(-1).tv_sec, 0);
  EXPECT_EQ(to_timespec(-1).tv_nsec, 0);
}

TEST(SleepUntil, WakesAfterTheDeadline) {
  const Deadline soon = Deadline::after(kMillisecond);
  EXPECT_TRUE(sleep_until(soon));
  EXPECT_TRUE(soon.expired());
}

TEST(SleepUntil, TellsOfASignal) {
  const testing::InterruptingSignal signal;
  Child sleeper([] { return sleep_until(Deadline::never()) ? 1 : 0; });
  EXPECT_TRUE(sleeper.signal_until_end(SIGUSR1).success());
}

}  // namespace
}  // namespace onecopy::os
