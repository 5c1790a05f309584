// A waiter, a notifier, who passes a notification on and a reclaimer die after each instruction.
// Who waited before the notification and lives gets it, and nothing is leaked.

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "sync/condition.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using os::Deadline;

class ConditionKill : public ::testing::Test {
 protected:
  ConditionKill() { before_ = memory::take_census().in_use; }

  bool wait_in(Condition::Seat seat, Deadline deadline = Deadline::never()) {
    Slices slices(deadline);
    Waited waited = Waited::again;
    while (waited == Waited::again) waited = condition_.wait(seat, slices);
    const bool notified = waited == Waited::done || condition_.give_up(seat);
    if (notified) condition_.leave(seat);
    return notified;
  }

  // One that waits in a process of its own.
  void start_sleeper() {
    const std::uint32_t before = condition_.waiting();
    sleeper_ = start_process([this] { EXPECT_TRUE(wait_in(condition_.enter().value())); });
    while (condition_.waiting() == before) {
    }
    os::testing::wait_until_asleep(sleeper_);
  }
  void leave_dead_notified() {
    const pid_t dead = start_process([this] {
      static_cast<void>(condition_.enter());
      pause();
    });
    while (condition_.waiting() == 0) {
    }
    mine_ = condition_.enter().value();
    condition_.notify(1);
    kill_process(dead);
  }

  // Exactly those are notified that are meant to be, of two.
  void expect_working() {
    memory::reclaim_dead();
    EXPECT_EQ(condition_.validate(), "");
    EXPECT_EQ(condition_.waiting(), 0u);
    const Condition::Seat first = condition_.enter().value();
    const Condition::Seat second = condition_.enter().value();
    condition_.notify(1);
    EXPECT_TRUE(wait_in(first, Deadline::after(0)));
    EXPECT_FALSE(wait_in(second, Deadline::after(0)));
    condition_ = Condition::create().value();
    EXPECT_EQ(memory::reclaim_dead(), 0u);
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
  }

  Condition condition_ = Condition::create().value();
  Condition::Seat mine_ = 0;
  pid_t sleeper_ = 0;
  std::uint64_t before_ = 0;  // bytes in use with one condition
};

TEST_F(ConditionKill, AWaiterThatTimesOut) {
  kill_at_every_step(
      {.name = "condition, wait"}, [] {},
      [this] { wait_in(condition_.enter().value(), Deadline::after(os::kMillisecond)); },
      [this] { expect_working(); });
}

TEST_F(ConditionKill, AWaiterThatIsNotified) {
  kill_at_every_step(
      {.name = "condition, notified"}, [] {},
      [this] {
        const Condition::Seat seat = condition_.enter().value();
        condition_.notify(1);
        wait_in(seat);
      },
      [this] { expect_working(); });
}

TEST_F(ConditionKill, ANotifier) {
  kill_at_every_step(
      {.name = "condition, notify", .sample = 60}, [this] { start_sleeper(); },
      [this] { condition_.notify(1); },
      [this] {
        // By the dead one or by this one.
        condition_.notify(1);
        EXPECT_TRUE(ended_well(sleeper_));
        expect_working();
      });
}

TEST_F(ConditionKill, WhoPassesOnItsNotification) {
  kill_at_every_step(
      {.name = "condition, pass on", .sample = 100},
      [this] {
        mine_ = condition_.enter().value();
        start_sleeper();
      },
      [this] {
        condition_.notify(1);
        condition_.abandon(mine_);
      },
      [this] {
        // By the dead one or by this one, each time.
        condition_.abandon(mine_);
        condition_.notify(1);
        EXPECT_TRUE(ended_well(sleeper_));
        expect_working();
      });
}

TEST_F(ConditionKill, WhoReclaimsADeadThatWasNotified) {
  kill_at_every_step(
      {.name = "condition, reclaim"}, [this] { leave_dead_notified(); },
      [] { memory::reclaim_dead(); },
      [this] {
        EXPECT_TRUE(wait_in(mine_)) << "the notification that the dead had";
        expect_working();
      });
}

TEST_F(ConditionKill, AWaiterThatPassesOnWhatTheDeadHad) {
  kill_at_every_step(
      {.name = "condition, look for the dead", .sample = 100}, [this] { leave_dead_notified(); },
      [this] {
        // It comes too late for that notification, and passes it on to who does not.
        wait_in(condition_.enter().value(), Deadline::after(5 * os::kMillisecond));
      },
      [this] {
        EXPECT_TRUE(wait_in(mine_)) << "the notification that the dead had";
        expect_working();
      });
}

}  // namespace
}  // namespace onecopy::sync
