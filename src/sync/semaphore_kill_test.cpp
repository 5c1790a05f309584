// Who takes a unit, who gives one back, a waiter and a reclaimer die after each instruction. The
// units in the name of the dead come back, no others are lost or made, and nothing is leaked.

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "sync/semaphore.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::start_process;
using os::Deadline;

Taken acquire(Semaphore& semaphore, Name name = Name::mine, Deadline deadline = Deadline::never()) {
  Slices slices(deadline);
  Taken taken = Taken::again;
  while (taken == Taken::again) taken = semaphore.acquire(name, slices);
  return taken;
}

class SemaphoreKill : public ::testing::Test {
 protected:
  static constexpr std::int32_t kUnits = 2;

  SemaphoreKill() { before_ = memory::take_census().in_use; }

  void leave_dead_holder() {
    EXPECT_TRUE(os::wait_process(start_process([this] {
      EXPECT_EQ(acquire(bounded_), Taken::yes);
      raise(SIGKILL);
    })));
  }

  // All units are there, for two processes at a time.
  void expect_all_units() {
    EXPECT_NE(acquire(bounded_), Taken::timed_out);
    const pid_t other = start_process([this] {
      EXPECT_NE(acquire(bounded_), Taken::timed_out);
      EXPECT_EQ(bounded_.try_acquire(Name::mine), Taken::timed_out);
      EXPECT_TRUE(bounded_.release());
    });
    EXPECT_TRUE(ended_well(other));
    EXPECT_TRUE(bounded_.release());
    memory::reclaim_dead();
    EXPECT_EQ(bounded_.value(), kUnits);
    expect_no_leak();
  }

  void expect_no_leak() {
    memory::reclaim_dead();
    EXPECT_EQ(bounded_.validate(), "");
    EXPECT_EQ(plain_.validate(), "");
    bounded_ = Semaphore::create_bounded(kUnits).value();
    plain_ = Semaphore::create(0).value();
    EXPECT_EQ(memory::reclaim_dead(), 0u);
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
  }

  Semaphore bounded_ = Semaphore::create_bounded(kUnits).value();
  Semaphore plain_ = Semaphore::create(0).value();
  pid_t sleeper_ = 0;
  std::uint64_t before_ = 0;  // bytes in use with two semaphores
};

TEST_F(SemaphoreKill, WhoTakesAUnitAndGivesItBack) {
  kill_at_every_step(
      {.name = "semaphore, free"}, [] {},
      [this] {
        static_cast<void>(bounded_.try_acquire(Name::mine));
        bounded_.release();
      },
      [this] { expect_all_units(); });
}

TEST_F(SemaphoreKill, WhoGivesBackAUnitOfAnother) {
  kill_at_every_step(
      {.name = "semaphore, another's"},
      [this] { EXPECT_EQ(bounded_.try_acquire(Name::mine), Taken::yes); },
      [this] { bounded_.release(); },
      [this] {
        // Either it was given back, or it was not.
        EXPECT_EQ(bounded_.validate(), "");
        EXPECT_TRUE(bounded_.value() == kUnits || bounded_.release());
        expect_all_units();
      });
}

TEST_F(SemaphoreKill, AWaiterThatTimesOut) {
  kill_at_every_step(
      {.name = "semaphore, wait"},
      [this] {
        EXPECT_EQ(acquire(bounded_), Taken::yes);
        EXPECT_EQ(acquire(bounded_), Taken::yes);
      },
      [this] { acquire(bounded_, Name::mine, Deadline::after(os::kMillisecond)); },
      [this] {
        EXPECT_EQ(bounded_.value(), 0);
        EXPECT_TRUE(bounded_.release());
        EXPECT_TRUE(bounded_.release());
        expect_all_units();
      });
}

TEST_F(SemaphoreKill, AWaiterThatFindsTheHolderDead) {
  kill_at_every_step(
      {.name = "semaphore, look for the dead", .sample = 100},
      [this] {
        leave_dead_holder();
        EXPECT_EQ(acquire(bounded_), Taken::yes);
      },
      [this] {
        acquire(bounded_);
        bounded_.release();
      },
      [this] {
        EXPECT_TRUE(bounded_.release());
        expect_all_units();
      });
}

TEST_F(SemaphoreKill, WhoReclaimsTheUnitsOfTheDead) {
  kill_at_every_step(
      {.name = "semaphore, reclaim"}, [this] { leave_dead_holder(); },
      [] { memory::reclaim_dead(); },
      [this] {
        // Told with the first unit where the dead one got that far, else with the second.
        const Taken first = acquire(bounded_);
        EXPECT_TRUE(acquire(bounded_) == Taken::from_dead || first == Taken::from_dead);
        EXPECT_TRUE(bounded_.release());
        EXPECT_TRUE(bounded_.release());
        expect_all_units();
      });
}

TEST_F(SemaphoreKill, WhoLeavesItsUnitsTaken) {
  kill_at_every_step(
      {.name = "semaphore, leave taken"}, [] {},
      [this] {
        static_cast<void>(bounded_.try_acquire(Name::mine));
        leave_units_taken();
      },
      [this] {
        memory::reclaim_dead();
        // Taken in nobody's name only if the dead one got that far.
        EXPECT_GE(bounded_.value(), kUnits - 1);
        while (bounded_.value() < kUnits) EXPECT_TRUE(bounded_.release());
        expect_all_units();
      });
}

TEST_F(SemaphoreKill, WhoWakesASleeper) {
  kill_at_every_step(
      {.name = "semaphore, wake", .sample = 60},
      [this] {
        sleeper_ = start_process([this] { acquire(plain_, Name::nobody); });
        os::testing::wait_until_asleep(sleeper_);
      },
      [this] { plain_.release(); },
      [this] {
        // The dead one's unit is there or it is not; this one is.
        EXPECT_TRUE(plain_.release());
        EXPECT_TRUE(ended_well(sleeper_));
        EXPECT_LE(plain_.value(), 1);
        expect_no_leak();
      });
}

TEST_F(SemaphoreKill, ASleeperThatIsWoken) {
  kill_at_every_step(
      {.name = "semaphore, woken", .sample = 60}, [this] { EXPECT_TRUE(plain_.release()); },
      [this] { acquire(plain_, Name::nobody, Deadline::after(os::kMillisecond)); },
      [this] {
        // The unit is taken or it is not; the next to come does not wait for the dead.
        EXPECT_TRUE(plain_.release());
        EXPECT_EQ(acquire(plain_, Name::nobody), Taken::yes);
        EXPECT_LE(plain_.value(), 1);
        expect_no_leak();
      });
}

}  // namespace
}  // namespace onecopy::sync
