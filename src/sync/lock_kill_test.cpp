// A holder, a waiter, a releaser and a reclaimer die after each instruction of what they do with a
// lock. Whoever is left gets it, is told where the holder died, and in the end nothing is leaked.

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "sync/lock.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/locking.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::take;
using os::Deadline;

class LockKill : public ::testing::Test {
 protected:
  LockKill() { before_ = memory::take_census().in_use; }

  pid_t start_holder() {
    const pid_t holder = start_process([this] {
      static_cast<void>(take(lock_));
      pause();
    });
    while (!lock_.is_held()) {
    }
    return holder;
  }
  void leave_dead_holder() { kill_process(start_holder()); }

  // Two more processes and this one get it, one after the other; only the first may be told.
  void expect_working() {
    EXPECT_EQ(lock_.validate(), "");
    EXPECT_NE(take(lock_), Locked::timed_out);
    const pid_t waiter = start_process([this] {
      EXPECT_EQ(take(lock_), Locked::yes);
      EXPECT_TRUE(lock_.release());
    });
    EXPECT_TRUE(lock_.is_mine());
    EXPECT_TRUE(lock_.release());
    EXPECT_TRUE(ended_well(waiter));
    EXPECT_EQ(take(lock_), Locked::yes);
    EXPECT_TRUE(lock_.release());
    expect_no_leak();
  }

  void expect_no_leak() {
    lock_ = Lock::create().value();
    memory::reclaim_dead();
    EXPECT_EQ(memory::reclaim_dead(), 0u);
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
  }

  Lock lock_ = Lock::create().value();
  std::uint64_t before_ = 0;  // bytes in use with one lock
};

TEST_F(LockKill, WhoAcquiresAndReleasesAFreeOne) {
  kill_at_every_step(
      {.name = "lock, free"}, [] {},
      [this] {
        static_cast<void>(take(lock_));
        lock_.release();
      },
      [this] { expect_working(); });
}

TEST_F(LockKill, WhoTakesOverFromADeadHolder) {
  kill_at_every_step(
      {.name = "lock, take over"}, [this] { leave_dead_holder(); },
      [this] {
        static_cast<void>(take(lock_));
        lock_.release();
      },
      [this] { expect_working(); });
}

TEST_F(LockKill, AWaiterThatTimesOut) {
  kill_at_every_step(
      {.name = "lock, wait"}, [this] { static_cast<void>(take(lock_)); },
      [this] { static_cast<void>(lock_.acquire(Deadline::after(os::kMillisecond))); },
      [this] {
        EXPECT_TRUE(lock_.is_mine());
        EXPECT_TRUE(lock_.release());
        expect_working();
      });
}

TEST_F(LockKill, WhoReleasesTheLockOfADeadHolderInPassing) {
  kill_at_every_step(
      {.name = "lock, reclaim"}, [this] { leave_dead_holder(); }, [] { memory::reclaim_dead(); },
      [this] {
        EXPECT_EQ(take(lock_), Locked::from_dead);
        EXPECT_TRUE(lock_.release());
        expect_working();
      });
}

TEST_F(LockKill, WhoLeavesItHeld) {
  kill_at_every_step(
      {.name = "lock, leave held"}, [] {},
      [this] {
        static_cast<void>(take(lock_));
        leave_locks_held();
      },
      [this] {
        // Held in nobody's name only if the dead one got that far.
        if (lock_.acquire(Deadline::after(200 * os::kMillisecond)) == Locked::timed_out) {
          EXPECT_EQ(lock_.last_dead(), 0);
        }
        EXPECT_TRUE(lock_.release());
        expect_working();
      });
}

}  // namespace
}  // namespace onecopy::sync
