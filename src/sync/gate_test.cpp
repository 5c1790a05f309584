#include "sync/gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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

class GateTest : public ::testing::Test {
 protected:
  GateTest() { lock_.open_gate(); }
  ~GateTest() override {
    EXPECT_EQ(lock_.validate(), "");
    EXPECT_EQ(memory::validate_memory(), "");
  }

  // A process in the middle of a touch, which goes on with `then` when it is told to.
  template <class Then>
  pid_t start_touch(Then then) {
    *touching_ = false;
    const pid_t child = start_process([&] {
      Announcement* const touch = lock_.begin_touch();
      ASSERT_NE(touch, nullptr);
      *touching_ = true;
      then(touch);
    });
    while (!*touching_) {
    }
    return child;
  }

  Locked acquire() { return lock_.acquire(Deadline::never()); }

  Watchdog watchdog_{"gate", 100};
  Shared<std::atomic<bool>> touching_;
  Lock lock_ = Lock::create().value();
};

TEST_F(GateTest, LetsManyTouchAtATime) {
  const pid_t other = start_touch([](Announcement*) { pause(); });
  Announcement* const touch = lock_.begin_touch();
  EXPECT_NE(touch, nullptr);
  end_touch(touch);
  kill_process(other);
}

TEST_F(GateTest, IsShutWhileTheLockIsHeld) {
  ASSERT_EQ(acquire(), Locked::yes);
  EXPECT_EQ(lock_.begin_touch(), nullptr) << "for the thread that holds it too";
  const pid_t other = start_process([&] { EXPECT_EQ(lock_.begin_touch(), nullptr); });
  EXPECT_TRUE(ended_well(other));
  EXPECT_TRUE(lock_.release());
  Announcement* const touch = lock_.begin_touch();
  EXPECT_NE(touch, nullptr);
  end_touch(touch);
}

TEST_F(GateTest, MakesATakerWaitForWhoTouches) {
  Shared<std::atomic<bool>> over;
  const pid_t other = start_touch([&](Announcement* touch) {
    while (!*over) {
    }
    end_touch(touch);
  });
  EXPECT_EQ(lock_.acquire(Deadline::after(0)), Locked::timed_out);
  EXPECT_EQ(lock_.acquire(Deadline::after(20 * os::kMillisecond)), Locked::timed_out);
  EXPECT_FALSE(lock_.is_held());
  *over = true;
  EXPECT_EQ(acquire(), Locked::yes);
  EXPECT_TRUE(lock_.release());
  EXPECT_TRUE(ended_well(other));
}

TEST_F(GateTest, MakesNobodyWaitForWhoTouchesSomethingElse) {
  const Lock second = Lock::create().value();
  second.open_gate();
  const pid_t other = start_touch([](Announcement*) { pause(); });
  Lock third = Lock::create().value();
  third.open_gate();
  EXPECT_EQ(third.acquire(Deadline::after(0)), Locked::yes);
  EXPECT_TRUE(third.release());
  kill_process(other);
}

TEST_F(GateTest, WaitingForATouchIsInterruptedByASignal) {
  const os::testing::InterruptingSignal quiet;
  const pid_t other = start_touch([](Announcement*) { pause(); });
  os::testing::Child taker([&] {
    EXPECT_EQ(acquire(), Locked::interrupted);
    return 0;
  });
  EXPECT_TRUE(taker.signal_until_end(SIGUSR1).success());
  EXPECT_FALSE(lock_.is_held());
  kill_process(other);
}

TEST_F(GateTest, IsNotHeldUpByWhoDiedTouching) {
  kill_process(start_touch([](Announcement*) { pause(); }));
  EXPECT_EQ(acquire(), Locked::yes)
      << "a touch changes one element whole: there is nothing to tell";
  EXPECT_TRUE(lock_.release());
  EXPECT_GE(memory::reclaim_dead(), 1u);
  EXPECT_EQ(lock_.acquire(Deadline::after(0)), Locked::yes);
  EXPECT_TRUE(lock_.release());
}

TEST_F(GateTest, GivesWhoWaitedForTheDeadTheLock) {
  const pid_t other = start_touch([](Announcement*) { pause(); });
  const pid_t taker = start_process([&] {
    EXPECT_EQ(acquire(), Locked::yes);
    EXPECT_TRUE(lock_.release());
  });
  while (!lock_.is_held()) {
  }
  kill_process(other);
  EXPECT_TRUE(ended_well(taker));
}

TEST_F(GateTest, TellsOfADeadHolderThoughATouchWasInTheWay) {
  const pid_t holder = start_process([&] {
    ASSERT_EQ(acquire(), Locked::yes);
    pause();
  });
  while (!lock_.is_held()) {
  }
  // Nobody can begin a touch now: this one began before, and its thread has not run since.
  Announcement* const touch = own_announcement();
  ASSERT_NE(touch, nullptr);
  touch->touched = std::uint64_t{lock_.name().time} << 32 | lock_.name().block;
  kill_process(holder);
  EXPECT_EQ(lock_.acquire(Deadline::after(200 * os::kMillisecond)), Locked::timed_out);
  end_touch(touch);
  EXPECT_EQ(acquire(), Locked::from_dead);
  EXPECT_TRUE(lock_.release());
}

// A taker changes two words one after the other; a touch sees them the same.
TEST_F(GateTest, KeepsTouchesAndTakersApart) {
  struct Pair {
    std::uint64_t first;
    std::uint64_t second;
  };
  Shared<Pair> pair;
  constexpr int kRounds = 20'000;
  const auto take = [&] {
    for (int i = 0; i < kRounds; ++i) {
      Locked taken = Locked::interrupted;  // each slice of waiting, too
      while (taken == Locked::interrupted) taken = acquire();
      ASSERT_EQ(taken, Locked::yes);
      pair->first = pair->first + 1;
      pair->second = pair->second + 1;
      ASSERT_TRUE(lock_.release());
    }
  };
  const auto touch = [&] {
    int seen = 0;
    while (seen < kRounds) {
      Announcement* const own = lock_.begin_touch();
      if (own == nullptr) continue;
      ASSERT_EQ(pair->first, pair->second);
      end_touch(own);
      ++seen;
    }
  };
  const pid_t taker = start_process(take);
  const pid_t toucher = start_process(touch);
  std::thread first(take);
  std::thread second(touch);
  first.join();
  second.join();
  EXPECT_TRUE(ended_well(taker));
  EXPECT_TRUE(ended_well(toucher));
  EXPECT_EQ(pair->first, 2u * kRounds);
}

TEST_F(GateTest, OpensWhileSomebodyHoldsTheLock) {
  const Lock lock = Lock::create().value();
  Lock same = Lock::open(lock.name()).value();
  ASSERT_EQ(take(same), Locked::yes);
  lock.open_gate();
  EXPECT_EQ(lock.begin_touch(), nullptr);
  EXPECT_TRUE(same.release());
  Announcement* const touch = lock.begin_touch();
  EXPECT_NE(touch, nullptr);
  end_touch(touch);
}

}  // namespace
}  // namespace onecopy::sync
