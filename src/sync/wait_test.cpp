#include "sync/wait.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "os/testing.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;

// A word in shared memory and those who sleep on it.
struct Place {
  std::atomic<std::uint64_t> word;
  Sleepers sleepers;
};

class WaitTest : public ::testing::Test {
 protected:
  void change(std::uint64_t value) { place_->word.store(value, std::memory_order_seq_cst); }
  void wait_until_somebody_sleeps() {
    while (!anyone(place_->sleepers)) {
    }
  }
  Wait sleep_until_changed(os::Deadline deadline = os::Deadline::never()) {
    return sleep_on(place_->word, place_->sleepers, [this] { return place_->word != 0; }, deadline);
  }

  const Watchdog watchdog_{"wait", 100};
  os::testing::Shared<Place> place_;
};

TEST_F(WaitTest, IsOverAtOnceWhenReady) {
  change(1);
  EXPECT_EQ(sleep_until_changed(), Wait::ready);
  EXPECT_FALSE(anyone(place_->sleepers));
}

TEST_F(WaitTest, LastsOneSliceAtTheMost) {
  EXPECT_EQ(sleep_until_changed(), Wait::timed_out);
  EXPECT_EQ(sleep_until_changed(os::Deadline::at(0)), Wait::timed_out);
  EXPECT_FALSE(anyone(place_->sleepers)) << "who gave up is not counted";
}

// Woken without a change, the sleeper looks and sleeps again: so it can be waked until a wake has
// met it.
TEST_F(WaitTest, EndsByTheWakeOfAnotherProcess) {
  const pid_t waker = start_process([&] {
    while (wake_one(place_->word, place_->sleepers) == 0) {
    }
    change(1);
    wake_one(place_->word, place_->sleepers);
  });
  while (sleep_until_changed() != Wait::ready) {
  }
  EXPECT_TRUE(ended_well(waker));
}

TEST_F(WaitTest, IsEndedByAWakeAndNotOnlyByItsSlice) {
  // Whether the slice ends first nobody can say; not so time after time.
  for (int woken = 0; woken == 0;) {
    change(0);
    const pid_t sleeper = start_process([&] {
      while (sleep_until_changed() != Wait::ready) {
      }
    });
    os::testing::wait_until_asleep(sleeper);
    change(1);
    woken = wake_one(place_->word, place_->sleepers);
    EXPECT_TRUE(ended_well(sleeper));
  }
}

TEST_F(WaitTest, MakesNoWakeWhereNobodySleeps) {
  EXPECT_EQ(wake_one(place_->word, place_->sleepers), 0);
  EXPECT_EQ(wake_all(place_->word, place_->sleepers), 0);
}

// A death between the change and the wake costs the sleeper its slice, no more.
TEST_F(WaitTest, EndsWithTheSliceWhenNobodyWakes) {
  std::thread changer([&] {
    wait_until_somebody_sleeps();
    change(1);
  });
  while (sleep_until_changed() != Wait::ready) {
  }
  changer.join();
}

TEST_F(WaitTest, WakesAllWhoSleep) {
  constexpr int kSleepers = 4;
  std::vector<pid_t> sleepers;
  for (int i = 0; i < kSleepers; ++i) {
    sleepers.push_back(start_process([&] {
      while (sleep_until_changed() != Wait::ready) {
      }
    }));
  }
  // One whose slice ends in this moment is missed, and sleeps again.
  for (int woken = 0; woken < kSleepers;) {
    for (const pid_t sleeper : sleepers) os::testing::wait_until_asleep(sleeper);
    woken = wake_all(place_->word, place_->sleepers);
    ASSERT_LE(woken, kSleepers);
  }
  change(1);
  wake_all(place_->word, place_->sleepers);
  for (const pid_t sleeper : sleepers) EXPECT_TRUE(ended_well(sleeper));
  EXPECT_FALSE(anyone(place_->sleepers));
}

// What was written before the change is there for who waited for it: two threads by turns.
TEST_F(WaitTest, ShowsWhatWasWrittenBeforeTheChange) {
  constexpr std::uint64_t kRounds = 2000;
  std::uint64_t plain = 0;
  const auto take_turns = [&](std::uint64_t first) {
    for (std::uint64_t turn = first; turn < kRounds; turn += 2) {
      const auto is_mine = [&] {
        // Acquire: pairs with change().
        return place_->word.load(std::memory_order_acquire) == turn;
      };
      while (sleep_on(place_->word, place_->sleepers, is_mine, os::Deadline::never()) !=
             Wait::ready) {
      }
      EXPECT_EQ(plain, turn);
      ++plain;
      change(turn + 1);
      wake_one(place_->word, place_->sleepers);
    }
  };
  std::thread other(take_turns, 1);
  take_turns(0);
  other.join();
  EXPECT_EQ(plain, kRounds);
  EXPECT_FALSE(anyone(place_->sleepers));
}

TEST_F(WaitTest, IsInterruptedByASignal) {
  const os::testing::InterruptingSignal handler;
  const pid_t sleeper = start_process([&] {
    Wait outcome = Wait::timed_out;
    while (outcome == Wait::timed_out) outcome = sleep_until_changed();
    EXPECT_EQ(outcome, Wait::interrupted);
    EXPECT_FALSE(anyone(place_->sleepers));
  });
  for (;;) {
    kill(sleeper, SIGUSR1);
    const auto status = os::wait_process(sleeper, os::Deadline::after(os::kMillisecond));
    if (!status) continue;
    EXPECT_TRUE(status->success());
    break;
  }
}

TEST_F(WaitTest, CountsADeadSleeperUntilItIsForgotten) {
  const pid_t sleeper = start_process([&] {
    while (sleep_until_changed() != Wait::ready) {
    }
  });
  do {
    // Between two slices it is not counted.
    kill(sleeper, SIGCONT);
    os::testing::wait_until_asleep(sleeper);
    kill(sleeper, SIGSTOP);
    ASSERT_EQ(waitpid(sleeper, nullptr, WUNTRACED), sleeper);
  } while (!anyone(place_->sleepers));
  kill_process(sleeper);
  EXPECT_TRUE(anyone(place_->sleepers));
  EXPECT_EQ(wake_one(place_->word, place_->sleepers), 0);
  reset(place_->sleepers);
  EXPECT_FALSE(anyone(place_->sleepers));
}

TEST_F(WaitTest, SpinsFirst) {
  SpinBudget budget;
  change(1);
  EXPECT_EQ(wait_on(
                place_->word, place_->sleepers, budget, [this] { return place_->word == 1; },
                os::Deadline::never()),
            Wait::ready);
  EXPECT_EQ(wait_on(
                place_->word, place_->sleepers, budget, [] { return false; },
                os::Deadline::after(os::kMillisecond)),
            Wait::timed_out);
}

}  // namespace
}  // namespace onecopy::sync
