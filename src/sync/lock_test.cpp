#include "sync/lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
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

class LockTest : public ::testing::Test {
 protected:
  ~LockTest() override {
    EXPECT_EQ(lock_.validate(), "");
    EXPECT_EQ(memory::validate_memory(), "");
  }

  // A process that has the lock, and goes on with `then`.
  template <class Then>
  pid_t start_holder(Then then) {
    const pid_t holder = start_process([&] {
      ASSERT_EQ(take(lock_), Locked::yes);
      then();
    });
    while (!lock_.is_held()) {
    }
    return holder;
  }

  Locked try_acquire() { return lock_.acquire(Deadline::after(0)); }
  Locked acquire() { return take(lock_); }

  Watchdog watchdog_{"lock", 100};
  Lock lock_ = Lock::create().value();
};

TEST_F(LockTest, IsTakenAndReleased) {
  EXPECT_FALSE(lock_.is_held());
  EXPECT_EQ(acquire(), Locked::yes);
  EXPECT_TRUE(lock_.is_held());
  EXPECT_TRUE(lock_.is_mine());
  EXPECT_EQ(try_acquire(), Locked::timed_out) << "not by the same thread either";
  EXPECT_TRUE(lock_.release());
  EXPECT_FALSE(lock_.is_held());
  EXPECT_FALSE(lock_.release()) << "nobody holds it";
}

TEST_F(LockTest, ExcludesThreadsAndProcesses) {
  struct Counters {
    std::uint64_t plain;
  };
  Shared<Counters> counters;
  constexpr int kRounds = 20'000;
  const auto work = [&] {
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_EQ(acquire(), Locked::yes);
      counters->plain = counters->plain + 1;
      ASSERT_TRUE(lock_.release());
    }
  };
  const pid_t other = start_process(work);
  std::thread thread(work);
  work();
  thread.join();
  EXPECT_TRUE(ended_well(other));
  EXPECT_EQ(counters->plain, 3u * kRounds);
}

TEST_F(LockTest, TimesOutWhileAnotherHoldsIt) {
  const pid_t holder = start_holder([] { pause(); });
  EXPECT_FALSE(lock_.is_mine());
  EXPECT_EQ(try_acquire(), Locked::timed_out);
  EXPECT_EQ(lock_.acquire(Deadline::after(20 * os::kMillisecond)), Locked::timed_out);
  kill_process(holder);
}

TEST_F(LockTest, IsReleasedByAnybody) {
  const pid_t holder = start_holder([] { pause(); });
  EXPECT_TRUE(lock_.release());
  EXPECT_EQ(acquire(), Locked::yes);
  kill_process(holder);
  EXPECT_TRUE(lock_.is_mine());
  EXPECT_TRUE(lock_.release());
}

TEST_F(LockTest, IsReleasedByAChildThatInheritedItHeld) {
  ASSERT_EQ(acquire(), Locked::yes);
  const pid_t child = start_process([&] {
    EXPECT_FALSE(lock_.is_mine());
    EXPECT_TRUE(lock_.release());
  });
  EXPECT_TRUE(ended_well(child));
  EXPECT_FALSE(lock_.is_held());
}

TEST_F(LockTest, WaitingIsInterruptedByASignal) {
  const os::testing::InterruptingSignal quiet;
  const pid_t holder = start_holder([] { pause(); });
  os::testing::Child waiter([&] {
    EXPECT_EQ(lock_.acquire(Deadline::never()), Locked::interrupted);
    return 0;
  });
  EXPECT_TRUE(waiter.signal_until_end(SIGUSR1).success());
  kill_process(holder);
}

// One that comes just before the sleep interrupts nothing.
TEST_F(LockTest, WhoWaitsIsSentToLookForSignalsNowAndThen) {
  const pid_t holder = start_holder([] { pause(); });
  for (int slice = 0; slice < 3; ++slice) {
    EXPECT_EQ(lock_.acquire(Deadline::never()), Locked::interrupted);
  }
  kill_process(holder);
  EXPECT_EQ(acquire(), Locked::from_dead);
  EXPECT_TRUE(lock_.release());
}

TEST_F(LockTest, GoesToOneOfManyWaitersWhenItsHolderIsKilled) {
  const pid_t holder = start_holder([] { pause(); });
  Shared<std::atomic<int>> told;
  std::vector<pid_t> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.push_back(start_process([&] {
      if (acquire() == Locked::from_dead) ++*told;
      EXPECT_EQ(lock_.last_dead(), holder);
      EXPECT_TRUE(lock_.release());
    }));
  }
  kill_process(holder);
  for (const pid_t waiter : waiters) EXPECT_TRUE(ended_well(waiter));
  EXPECT_EQ(told->load(), 1) << "only who got it from the dead one";
}

TEST_F(LockTest, OfADeadHolderTellsTheNextToComeOnce) {
  const pid_t holder = start_holder([] { pause(); });
  EXPECT_EQ(lock_.last_dead(), 0);
  kill_process(holder);
  EXPECT_GE(memory::reclaim_dead(), 1u);
  EXPECT_EQ(try_acquire(), Locked::from_dead);
  EXPECT_TRUE(lock_.release());
  EXPECT_EQ(try_acquire(), Locked::yes);
  EXPECT_TRUE(lock_.release());
  EXPECT_EQ(lock_.last_dead(), holder) << "it can still be asked";
}

TEST_F(LockTest, OfADeadHolderIsGivenToWhoNeverWaits) {
  kill_process(start_holder([] { pause(); }));
  // The dead are looked for once a second.
  Locked got = Locked::timed_out;
  while (got == Locked::timed_out) got = try_acquire();
  EXPECT_EQ(got, Locked::from_dead);
  EXPECT_TRUE(lock_.release());
}

TEST_F(LockTest, ForgivesOneReleaseThatComesTooLate) {
  kill_process(start_holder([] { pause(); }));
  ASSERT_EQ(acquire(), Locked::from_dead);
  const pid_t late = start_process([&] { EXPECT_TRUE(lock_.release()) << "no error"; });
  EXPECT_TRUE(ended_well(late));
  EXPECT_TRUE(lock_.is_mine()) << "and not released";
  EXPECT_TRUE(lock_.release());
  EXPECT_FALSE(lock_.release()) << "once only";
}

TEST_F(LockTest, StaysHeldWhenItsHolderEndsInTheUsualWay) {
  EXPECT_TRUE(ended_well(start_holder([] { leave_locks_held(); })));
  EXPECT_GE(memory::reclaim_dead(), 1u);
  const auto patience = Deadline::after(120 * os::kMillisecond);
  while (!patience.expired()) EXPECT_NE(lock_.acquire(patience), Locked::from_dead);
  EXPECT_EQ(try_acquire(), Locked::timed_out);
  EXPECT_EQ(lock_.last_dead(), 0);
  EXPECT_TRUE(lock_.release()) << "by anybody";
  EXPECT_EQ(acquire(), Locked::yes);
  EXPECT_TRUE(lock_.release());
}

TEST_F(LockTest, LeavingHeldTouchesNoLockOfOthers) {
  const pid_t holder = start_holder([] { pause(); });
  leave_locks_held();
  kill_process(holder);
  EXPECT_EQ(acquire(), Locked::from_dead);
  EXPECT_TRUE(lock_.release());
}

TEST_F(LockTest, AKilledWaiterLeavesNoGhost) {
  ASSERT_EQ(acquire(), Locked::yes);
  const pid_t waiter = start_process([&] { acquire(); });
  os::testing::wait_until_asleep(waiter);
  kill_process(waiter);
  EXPECT_TRUE(lock_.release());
  const pid_t next = start_process([&] {
    EXPECT_EQ(acquire(), Locked::yes);
    EXPECT_TRUE(lock_.release());
  });
  EXPECT_TRUE(ended_well(next));
}

TEST_F(LockTest, IsOpenedByItsNameWhileSomebodyHoldsIt) {
  const memory::SharedName name = lock_.name();
  {
    Lock again = Lock::open(name).value();
    EXPECT_EQ(take(again), Locked::yes);
    EXPECT_TRUE(lock_.is_held());
    EXPECT_TRUE(lock_.release());
  }
  lock_ = Lock::create().value();
  EXPECT_EQ(Lock::open(name).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::sync
