#include "sync/spin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <thread>
#include <vector>

#include "memory/family.hpp"
#include "memory/reclaim.hpp"
#include "os/cpu.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::sync {
namespace {

// How many looks a spin takes that finds nothing.
long looks_in_vain(SpinBudget& budget, os::Deadline deadline = os::Deadline::never()) {
  long looks = 0;
  EXPECT_FALSE(budget.spin([&] { return ++looks, false; }, deadline));
  return looks;
}

TEST(SpinBudget, LooksOnceBeforeAnythingElse) {
  SpinBudget budget;
  int looks = 0;
  EXPECT_TRUE(budget.spin([&] { return ++looks, true; }, os::Deadline::at(0)));
  EXPECT_EQ(looks, 1);
}

TEST(SpinBudget, SeesWhatAnotherThreadDoes) {
  std::atomic<int> turn{0};
  constexpr int kTurns = 1000;
  std::thread other([&] {
    for (int i = 1; i < kTurns; i += 2) {
      while (turn != i) {
      }
      turn = i + 1;
    }
  });
  SpinBudget budget;
  for (int i = 0; i < kTurns; i += 2) {
    turn = i + 1;
    while (!budget.spin([&] { return turn == i + 2; }, os::Deadline::never())) {
    }
  }
  other.join();
  EXPECT_EQ(turn, kTurns);
}

TEST(SpinBudget, GivesUpAtADeadlineThatIsOver) {
  SpinBudget budget;
  // A bundle of looks at the most: the clock is not asked after each.
  EXPECT_LE(looks_in_vain(budget, os::Deadline::at(0)), 64);
}

// Once two ends of a pipe that had both gone to sleep slept at every message from then on.
TEST(SpinBudget, IsTriedAtItsLargestNowAndThen) {
  SpinBudget budget;
  std::vector<long> looks;
  for (int i = 0; i < 650; ++i) looks.push_back(looks_in_vain(budget));
  std::sort(looks.begin(), looks.end());
  EXPECT_GT(looks.back(), 5 * looks[looks.size() / 2]);
}

// Once two processes that shared a processor with others took turns on it, each taking what had
// come while it was not running for a reward, and spun while the other waited to run.
TEST(SpinBudget, IsNotRewardedForWhatCameLate) {
  SpinBudget budget;
  for (int i = 0; i < 7; ++i) looks_in_vain(budget);

  int looks = 0;
  const auto ready_late = [&] {
    if (++looks == 2) os::sleep_until(os::Deadline::after(os::kMillisecond));
    return looks == 2;
  };
  EXPECT_TRUE(budget.spin(ready_late, os::Deadline::never()));

  EXPECT_EQ(looks_in_vain(budget), 1) << "the eighth in vain";
}

// Where there is one processor only, whoever is waited for cannot run meanwhile.
TEST(SpinBudget, IsNothingOnOneProcessor) {
  onecopy::testing::in_fresh_process([] {
    const auto cpus = os::usable_cpus();
    ASSERT_TRUE(os::set_cpus(std::span(cpus).first(1)));
    // The kernel is asked now and then.
    for (int i = 0; i < 10'000 && spinning_can_help(); ++i) {
    }
    SpinBudget budget;
    EXPECT_EQ(looks_in_vain(budget), 1);
  });
}

// Once two processes that were each kept on a processor of its own slept at every message.
TEST(SpinBudget, IsThereForWhoHasAProcessorOfItsOwn) {
  onecopy::testing::in_fresh_process([] {
    const auto cpus = os::usable_cpus();
    if (cpus.size() < 2) return;
    memory::join_family().value_or_throw();
    os::testing::Child elsewhere([] {
      os::sleep_until(os::Deadline::never());
      return 0;
    });
    ASSERT_TRUE(os::set_cpus(std::span(cpus).first(1)));

    while (!spinning_can_help()) {  // until it is a member, and the kernel is asked again
    }
    SpinBudget budget;
    EXPECT_GT(looks_in_vain(budget), 1);

    elsewhere.kill();
    elsewhere.collect();
    memory::reclaim_dead();
    while (spinning_can_help()) {
    }
    EXPECT_EQ(looks_in_vain(budget), 1) << "nobody runs elsewhere any more";
  });
}

}  // namespace
}  // namespace onecopy::sync
