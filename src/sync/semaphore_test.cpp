#include "sync/semaphore.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;
using os::Deadline;
using os::testing::Shared;

Taken acquire(Semaphore& semaphore, Name name = Name::nobody,
              Deadline deadline = Deadline::never()) {
  Slices slices(deadline);
  Taken taken = Taken::again;
  while (taken == Taken::again) taken = semaphore.acquire(name, slices);
  return taken;
}

class SemaphoreTest : public ::testing::Test {
 protected:
  ~SemaphoreTest() override {
    EXPECT_EQ(plain_.validate(), "");
    EXPECT_EQ(bounded_.validate(), "");
    EXPECT_EQ(memory::validate_memory(), "");
  }

  // A process that has a unit, and goes on with `then`.
  template <class Then>
  pid_t start_holder(Semaphore& semaphore, Name name, Then then) {
    *ready_ = false;
    const pid_t holder = start_process([&] {
      ASSERT_EQ(acquire(semaphore, name), Taken::yes);
      *ready_ = true;
      then();
    });
    while (!*ready_) {
    }
    return holder;
  }
  pid_t start_holder(Semaphore& semaphore, Name name) {
    return start_holder(semaphore, name, [] { pause(); });
  }

  Watchdog watchdog_{"semaphore", 100};
  Shared<std::atomic<bool>> ready_;
  Semaphore plain_ = Semaphore::create(2).value();
  Semaphore bounded_ = Semaphore::create_bounded(2).value();
};

TEST_F(SemaphoreTest, GivesAsManyUnitsAsThereAre) {
  for (Semaphore* const semaphore : {&plain_, &bounded_}) {
    EXPECT_EQ(semaphore->try_acquire(Name::nobody), Taken::yes);
    EXPECT_EQ(semaphore->try_acquire(Name::mine), Taken::yes);
    EXPECT_EQ(semaphore->value(), 0);
    EXPECT_EQ(semaphore->try_acquire(Name::nobody), Taken::timed_out);
    EXPECT_TRUE(semaphore->release());
    EXPECT_TRUE(semaphore->release());
    EXPECT_EQ(semaphore->value(), 2);
  }
}

TEST_F(SemaphoreTest, TakesAnyNumberOfReleasesWithoutABound) {
  EXPECT_TRUE(plain_.release());
  EXPECT_EQ(plain_.value(), 3);
  EXPECT_FALSE(bounded_.release());
  EXPECT_EQ(bounded_.value(), 2);
}

TEST_F(SemaphoreTest, CountsNoFurtherThanAnInt) {
  Semaphore full = Semaphore::create(Semaphore::kMost).value();
  EXPECT_FALSE(full.release());
  EXPECT_EQ(full.try_acquire(Name::mine), Taken::yes);
  EXPECT_TRUE(full.release());
  EXPECT_EQ(full.value(), Semaphore::kMost);
}

TEST_F(SemaphoreTest, IsReleasedByWhoeverLikes) {
  ASSERT_EQ(bounded_.try_acquire(Name::mine), Taken::yes);
  const pid_t other = start_process([&] {
    EXPECT_TRUE(bounded_.release());
    EXPECT_FALSE(bounded_.release());
  });
  EXPECT_TRUE(ended_well(other));
  EXPECT_EQ(bounded_.value(), 2);
  EXPECT_FALSE(bounded_.release());
}

TEST_F(SemaphoreTest, NeverGivesMoreThanThereAre) {
  struct Counters {
    std::atomic<int> inside;
    std::atomic<int> most;
  };
  Shared<Counters> counters;
  constexpr int kRounds = 5'000;
  for (Semaphore* const semaphore : {&plain_, &bounded_}) {
    const auto work = [&] {
      for (int i = 0; i < kRounds; ++i) {
        ASSERT_EQ(acquire(*semaphore, i % 2 == 0 ? Name::mine : Name::nobody), Taken::yes);
        const int inside = ++counters->inside;
        int most = counters->most.load();
        while (inside > most && !counters->most.compare_exchange_weak(most, inside)) {
        }
        --counters->inside;
        ASSERT_TRUE(semaphore->release());
      }
    };
    const pid_t other = start_process(work);
    std::thread first(work);
    std::thread second(work);
    work();
    first.join();
    second.join();
    EXPECT_TRUE(ended_well(other));
    EXPECT_LE(counters->most.load(), 2);
    EXPECT_EQ(semaphore->value(), 2);
  }
}

TEST_F(SemaphoreTest, WakesWhoWaitsForASignal) {
  Semaphore there = Semaphore::create(0).value();
  Semaphore back = Semaphore::create(0).value();
  constexpr int kRounds = 2'000;
  const pid_t other = start_process([&] {
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_EQ(acquire(there), Taken::yes);
      ASSERT_TRUE(back.release());
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(there.release());
    ASSERT_EQ(acquire(back), Taken::yes);
  }
  EXPECT_TRUE(ended_well(other));
  EXPECT_EQ(there.validate(), "");
}

TEST_F(SemaphoreTest, WakesOneSleeperForEachUnit) {
  Semaphore signal = Semaphore::create(0).value();
  std::vector<pid_t> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.push_back(start_process([&] { EXPECT_EQ(acquire(signal), Taken::yes); }));
  }
  for (const pid_t waiter : waiters) os::testing::wait_until_asleep(waiter);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(signal.release());
  for (const pid_t waiter : waiters) EXPECT_TRUE(ended_well(waiter));
  EXPECT_EQ(signal.value(), 0);
  EXPECT_EQ(signal.validate(), "");
}

TEST_F(SemaphoreTest, TimesOut) {
  Semaphore none = Semaphore::create(0).value();
  const os::Nanoseconds begin = os::now();
  EXPECT_EQ(acquire(none, Name::nobody, Deadline::after(20 * os::kMillisecond)), Taken::timed_out);
  EXPECT_GE(os::now() - begin, 20 * os::kMillisecond);
}

TEST_F(SemaphoreTest, SendsAWaiterToItsSignals) {
  const os::testing::InterruptingSignal quiet;
  Semaphore none = Semaphore::create(0).value();
  os::testing::Child waiter([&] {
    Slices slices(Deadline::never());
    EXPECT_EQ(none.acquire(Name::nobody, slices), Taken::again);
    return 0;
  });
  EXPECT_TRUE(waiter.signal_until_end(SIGUSR1).success());
}

TEST_F(SemaphoreTest, ABoundedOneGivesTheUnitsOfAKilledProcessToAWaiter) {
  for (const Name name : {Name::mine, Name::nobody}) {
    const pid_t one = start_holder(bounded_, name);
    const pid_t two = start_holder(bounded_, name);
    const pid_t waiter = start_process([&] { EXPECT_EQ(acquire(bounded_), Taken::from_dead); });
    os::testing::wait_until_asleep(waiter);
    kill_process(one);
    EXPECT_TRUE(ended_well(waiter));
    EXPECT_EQ(bounded_.last_dead(), one);
    kill_process(two);
    memory::reclaim_dead();
    EXPECT_EQ(bounded_.value(), 2);
    EXPECT_EQ(acquire(bounded_), Taken::from_dead);
    EXPECT_TRUE(bounded_.release());
  }
}

TEST_F(SemaphoreTest, GivesBackOnlyWhatWasTakenInAName) {
  kill_process(start_holder(plain_, Name::nobody));
  memory::reclaim_dead();
  EXPECT_EQ(plain_.value(), 1);
  const pid_t holder = start_holder(plain_, Name::mine);
  EXPECT_EQ(plain_.value(), 0);
  kill_process(holder);
  EXPECT_EQ(acquire(plain_), Taken::from_dead);
  EXPECT_EQ(plain_.last_dead(), holder);
  EXPECT_TRUE(plain_.release());
  EXPECT_EQ(acquire(plain_), Taken::yes) << "told once";
}

TEST_F(SemaphoreTest, ASignalOfTheDeadStays) {
  kill_process(start_holder(plain_, Name::mine, [&] {
    EXPECT_TRUE(plain_.release());
    EXPECT_TRUE(plain_.release());
    pause();
  }));
  memory::reclaim_dead();
  EXPECT_GE(plain_.value(), 2);
}

TEST_F(SemaphoreTest, StaysTakenWhenTheHolderEndsInTheUsualWay) {
  for (Semaphore* const semaphore : {&plain_, &bounded_}) {
    EXPECT_TRUE(ended_well(start_holder(*semaphore, Name::mine, [] { leave_units_taken(); })));
    memory::reclaim_dead();
    EXPECT_EQ(semaphore->value(), 1);
    EXPECT_EQ(semaphore->last_dead(), 0);
    EXPECT_TRUE(semaphore->release()) << "by anybody";
    EXPECT_EQ(semaphore->value(), 2);
  }
}

TEST_F(SemaphoreTest, ForgivesAReleaseThatComesTooLate) {
  kill_process(start_holder(bounded_, Name::mine));
  memory::reclaim_dead();
  EXPECT_EQ(bounded_.value(), 2);
  EXPECT_TRUE(bounded_.release()) << "as many as came back";
  EXPECT_FALSE(bounded_.release());
  EXPECT_EQ(bounded_.value(), 2);
}

TEST_F(SemaphoreTest, AKilledWaiterLeavesNoGhost) {
  Semaphore signal = Semaphore::create(0).value();
  const pid_t waiter = start_process([&] { acquire(signal); });
  os::testing::wait_until_asleep(waiter);
  kill_process(waiter);
  EXPECT_TRUE(signal.release());
  const pid_t next = start_process([&] { EXPECT_EQ(acquire(signal), Taken::yes); });
  EXPECT_TRUE(ended_well(next));
  memory::reclaim_dead();
  EXPECT_EQ(signal.validate(), "");
}

TEST_F(SemaphoreTest, IsOpenedByItsNameWhileSomebodyHoldsIt) {
  const memory::SharedName name = bounded_.name();
  {
    Semaphore again = Semaphore::open(name).value();
    EXPECT_TRUE(again.is_bounded());
    EXPECT_EQ(again.maximum(), 2);
    EXPECT_EQ(again.try_acquire(Name::mine), Taken::yes);
    EXPECT_EQ(bounded_.value(), 1);
    EXPECT_TRUE(bounded_.release());
  }
  bounded_ = Semaphore::create_bounded(1).value();
  EXPECT_EQ(Semaphore::open(name).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::sync
