#include "sync/wait.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "os/testing.hpp"
#include "testing/fresh_process.hpp"
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

TEST_F(WaitTest, EndsByTheWakeOfAnotherProcess) {
  const pid_t waker = start_process([&] {
    wait_until_somebody_sleeps();
    change(1);
    wake_one(place_->word, place_->sleepers);
  });
  while (sleep_until_changed() != Wait::ready) {
  }
  EXPECT_TRUE(ended_well(waker));
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
  std::atomic<int> awake{0};
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 4; ++i) {
    sleepers.emplace_back([&] {
      while (sleep_until_changed() != Wait::ready) {
      }
      ++awake;
    });
  }
  wait_until_somebody_sleeps();
  change(1);
  wake_all(place_->word, place_->sleepers);
  for (std::thread& sleeper : sleepers) sleeper.join();
  EXPECT_EQ(awake, 4);
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
  wait_until_somebody_sleeps();
  kill(sleeper, SIGSTOP);
  kill_process(sleeper);
  change(1);
  wake_one(place_->word, place_->sleepers);  // of nobody
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
