#include "sync/condition.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "sync/lock.hpp"
#include "testing/locking.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::take;
using onecopy::testing::Watchdog;
using os::Deadline;
using os::testing::Shared;

constexpr std::uint32_t kAll = 0xffffffff;

class ConditionTest : public ::testing::Test {
 protected:
  ~ConditionTest() override {
    memory::reclaim_dead();
    EXPECT_EQ(condition_.validate(), "");
    EXPECT_EQ(memory::validate_memory(), "");
  }

  // Without a lock: whether it was notified.
  bool wait(Deadline deadline = Deadline::never()) {
    const auto seat = condition_.enter();
    if (!seat) return false;
    return wait_in(*seat, deadline);
  }
  bool wait_in(Condition::Seat seat, Deadline deadline = Deadline::never()) {
    Slices slices(deadline);
    Waited waited = Waited::again;
    while (waited == Waited::again) waited = condition_.wait(seat, slices);
    const bool notified = waited == Waited::done || condition_.give_up(seat);
    if (notified) condition_.leave(seat);
    return notified;
  }

  pid_t start_waiter() {
    const std::uint32_t before = condition_.waiting();
    const pid_t waiter = start_process([this] { EXPECT_TRUE(wait()); });
    while (condition_.waiting() == before) {
    }
    return waiter;
  }
  // A waiter that is notified and does not come back for it.
  pid_t start_notified() {
    const std::uint32_t before = condition_.waiting();
    const pid_t waiter = start_process([this] {
      Slices slices(Deadline::never());
      const Condition::Seat seat = condition_.enter().value();
      while (condition_.wait(seat, slices) == Waited::again) {
      }
      pause();
    });
    while (condition_.waiting() == before) {
    }
    return waiter;
  }

  Watchdog watchdog_{"condition", 100};
  Condition condition_ = Condition::create().value();
};

TEST_F(ConditionTest, NotifiesNobodyWhereNobodyWaits) {
  condition_.notify(kAll);
  EXPECT_FALSE(wait(Deadline::after(os::kMillisecond)));
  EXPECT_EQ(condition_.waiting(), 0u);
}

TEST_F(ConditionTest, TimesOut) {
  const os::Nanoseconds begin = os::now();
  EXPECT_FALSE(wait(Deadline::after(0)));
  EXPECT_FALSE(wait(Deadline::after(20 * os::kMillisecond)));
  EXPECT_GE(os::now() - begin, 20 * os::kMillisecond);
}

TEST_F(ConditionTest, NotifiesWhoHasWaitedLongest) {
  const pid_t first = start_waiter();
  const pid_t second = start_waiter();
  const pid_t third = start_waiter();
  condition_.notify(2);
  EXPECT_EQ(condition_.waiting(), 1u);
  EXPECT_TRUE(ended_well(first));
  EXPECT_TRUE(ended_well(second));
  condition_.notify(kAll);
  EXPECT_TRUE(ended_well(third));
}

TEST_F(ConditionTest, IsLeftByWhoWasNotifiedWhenItsTimeWasOver) {
  const Condition::Seat seat = condition_.enter().value();
  condition_.notify(1);
  EXPECT_TRUE(condition_.give_up(seat));
  condition_.leave(seat);
}

TEST_F(ConditionTest, PassesOnWhatAWaiterWillNotComeBackFor) {
  const Condition::Seat seat = condition_.enter().value();
  const pid_t next = start_waiter();
  condition_.notify(1);
  condition_.abandon(seat);
  EXPECT_TRUE(ended_well(next));
}

TEST_F(ConditionTest, PassesNothingOnToWhoCameLater) {
  const Condition::Seat seat = condition_.enter().value();
  condition_.notify(1);
  const pid_t late = start_waiter();
  condition_.abandon(seat);
  EXPECT_EQ(condition_.waiting(), 1u);
  condition_.notify(1);
  EXPECT_TRUE(ended_well(late));
}

TEST_F(ConditionTest, SpendsNothingOnWhoWasKilledWhileWaiting) {
  const pid_t dead = start_waiter();
  const pid_t living = start_waiter();
  kill_process(dead);
  condition_.notify(1);
  EXPECT_TRUE(ended_well(living)) << "and nobody reclaimed";
  memory::reclaim_dead();
  EXPECT_EQ(condition_.waiting(), 0u);
}

TEST_F(ConditionTest, PassesOnWhatTheDeadWereNotifiedOf) {
  std::vector<pid_t> dead;
  for (int i = 0; i < 3; ++i) dead.push_back(start_notified());
  const pid_t living = start_waiter();
  condition_.notify(1);
  for (const pid_t one : dead) kill_process(one);
  EXPECT_TRUE(ended_well(living)) << "from the first over the others, and nobody reclaimed";
}

TEST_F(ConditionTest, PassesOnWhatTheDeadWereNotifiedOfWhenTheyAreReclaimed) {
  const pid_t dead = start_notified();
  const Condition::Seat mine = condition_.enter().value();
  condition_.notify(1);
  kill_process(dead);
  memory::reclaim_dead();
  EXPECT_TRUE(wait_in(mine, Deadline::after(0)));
}

TEST_F(ConditionTest, SendsAWaiterToItsSignals) {
  const os::testing::InterruptingSignal quiet;
  os::testing::Child waiter([&] {
    Slices slices(Deadline::never());
    const Condition::Seat seat = condition_.enter().value();
    EXPECT_EQ(condition_.wait(seat, slices), Waited::again);
    condition_.abandon(seat);
    return 0;
  });
  EXPECT_TRUE(waiter.signal_until_end(SIGUSR1).success());
}

TEST_F(ConditionTest, HasSoManySeats) {
  std::vector<Condition::Seat> seats;
  for (std::uint32_t i = 0; i < kMostWaiters; ++i) seats.push_back(condition_.enter().value());
  EXPECT_EQ(condition_.enter().error(), Error::too_many);
  condition_.notify(kAll);
  for (const Condition::Seat seat : seats) condition_.leave(seat);
  EXPECT_FALSE(wait(Deadline::after(0))) << "and all are free again";
}

TEST_F(ConditionTest, HasSeatsAgainWhenThoseWhoHadThemAreDead) {
  EXPECT_TRUE(os::wait_process(start_process([&] {
    for (std::uint32_t i = 0; i < kMostWaiters; ++i) static_cast<void>(condition_.enter());
    raise(SIGKILL);
  })));
  EXPECT_FALSE(wait(Deadline::after(0)));
}

// A buffer of one, between two threads and a process on each side.
TEST_F(ConditionTest, GuardsAQueueTogetherWithALock) {
  struct Buffer {
    std::uint32_t full;
    std::uint64_t taken;
  };
  Shared<Buffer> buffer;
  Lock lock = Lock::create().value();
  constexpr std::uint32_t kRounds = 3'000;
  const auto acquire = [&] { ASSERT_EQ(take(lock), Locked::yes); };
  const auto go = [&](std::uint32_t full) {
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      acquire();
      while (buffer->full != full) {
        const Condition::Seat seat = condition_.enter().value();
        ASSERT_TRUE(lock.release());
        Slices slices(Deadline::never());
        while (condition_.wait(seat, slices) == Waited::again) {
        }
        acquire();
        condition_.leave(seat);
      }
      buffer->full = 1 - full;
      if (full == 1) buffer->taken = buffer->taken + 1;
      condition_.notify(kAll);
      ASSERT_TRUE(lock.release());
    }
  };
  const pid_t putter = start_process([&] { go(0); });
  const pid_t getter = start_process([&] { go(1); });
  std::thread other([&] { go(0); });
  go(1);
  other.join();
  EXPECT_TRUE(ended_well(putter));
  EXPECT_TRUE(ended_well(getter));
  EXPECT_EQ(buffer->taken, 2u * kRounds);
}

TEST_F(ConditionTest, IsOpenedByItsNameWhileSomebodyHoldsIt) {
  const memory::SharedName name = condition_.name();
  {
    Condition again = Condition::open(name).value();
    const Condition::Seat seat = again.enter().value();
    EXPECT_EQ(condition_.waiting(), 1u);
    condition_.notify(1);
    again.leave(seat);
  }
  condition_ = Condition::create().value();
  EXPECT_EQ(Condition::open(name).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::sync
