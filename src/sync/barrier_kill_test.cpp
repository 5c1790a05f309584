// A party that waits, the last to come, who breaks and resets, and a reclaimer die after each
// instruction. The others pass or find it broken, and in the end it is as new.

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "sync/barrier.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using os::Deadline;

Passage pass(Barrier& barrier, Deadline deadline = Deadline::never()) {
  Slices coming(Deadline::never());
  Slices slices(deadline);
  std::uint32_t index = 0;
  Passage passage = Passage::again;
  while (passage == Passage::again) passage = barrier.enter(coming, index);
  if (passage == Passage::acts) {
    barrier.finish(true);
    return Passage::passed;
  }
  if (passage == Passage::waits) passage = Passage::again;
  while (passage == Passage::again) passage = barrier.wait(slices);
  return passage;
}

class BarrierKill : public ::testing::Test {
 protected:
  BarrierKill() { before_ = memory::take_census().in_use; }

  // It ends whether it passes or finds the barrier broken.
  void start_party() {
    party_ = start_process([this] { pass(barrier_); });
    while (barrier_.count() == 0) {
    }
    os::testing::wait_until_asleep(party_);
  }
  // Where nobody is to be waited for.
  Passage enter() {
    Slices slices(Deadline::never());
    std::uint32_t index = 0;
    return barrier_.enter(slices, index);
  }
  void reset() {
    Slices slices(Deadline::never());
    while (barrier_.reset(slices) == Passage::again) {
    }
  }

  void expect_working() {
    memory::reclaim_dead();
    EXPECT_EQ(barrier_.validate(), "");
    reset();
    EXPECT_EQ(barrier_.count(), 0u);
    const pid_t other = start_process([this] { EXPECT_EQ(pass(barrier_), Passage::passed); });
    EXPECT_EQ(pass(barrier_), Passage::passed);
    EXPECT_TRUE(ended_well(other));
    barrier_ = Barrier::create(2).value();
    memory::reclaim_dead();
    EXPECT_EQ(memory::reclaim_dead(), 0u);
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
  }

  Barrier barrier_ = Barrier::create(2).value();
  pid_t party_ = 0;
  std::uint64_t before_ = 0;  // bytes in use with one barrier
};

TEST_F(BarrierKill, AWaitingParty) {
  kill_at_every_step(
      {.name = "barrier, wait"}, [] {},
      [this] { pass(barrier_, Deadline::after(os::kMillisecond)); }, [this] { expect_working(); });
}

TEST_F(BarrierKill, TheLastToCome) {
  kill_at_every_step(
      {.name = "barrier, last to come", .sample = 100}, [this] { start_party(); },
      [this] { pass(barrier_, Deadline::after(os::kMillisecond)); },
      [this] {
        EXPECT_EQ(barrier_.validate(), "");
        if (barrier_.count() == 1 && barrier_.state() == BarrierState::filling) {
          pass(barrier_);  // it had not come, and we come in its place
        }
        EXPECT_TRUE(ended_well(party_));
        expect_working();
      });
}

TEST_F(BarrierKill, WhoBreaksAndResetsIt) {
  kill_at_every_step(
      {.name = "barrier, abort and reset", .sample = 100}, [this] { start_party(); },
      [this] {
        Slices slices(Deadline::never());
        barrier_.abort(slices);
        barrier_.reset(slices);
      },
      [this] {
        reset();
        EXPECT_TRUE(ended_well(party_));
        expect_working();
      });
}

TEST_F(BarrierKill, WhoReclaimsADeadParty) {
  kill_at_every_step(
      {.name = "barrier, reclaim"},
      [this] {
        const pid_t dead = start_process([this] { pass(barrier_); });
        while (barrier_.count() == 0) {
        }
        kill_process(dead);
      },
      [] { memory::reclaim_dead(); },
      [this] {
        memory::reclaim_dead();
        EXPECT_EQ(pass(barrier_), Passage::broken);
        expect_working();
      });
}

TEST_F(BarrierKill, WhoFindsADeadActor) {
  kill_at_every_step(
      {.name = "barrier, look for the dead", .sample = 100},
      [this] {
        EXPECT_EQ(enter(), Passage::waits);
        const pid_t dead = start_process([this] {
          EXPECT_EQ(enter(), Passage::acts);
          raise(SIGKILL);
        });
        EXPECT_TRUE(os::wait_process(dead));
      },
      [this] { pass(barrier_); },
      [this] {
        Slices slices(Deadline::never());
        Passage passage = Passage::again;
        while (passage == Passage::again) passage = barrier_.wait(slices);
        EXPECT_EQ(passage, Passage::broken);
        EXPECT_EQ(barrier_.state(), BarrierState::broken);
        expect_working();
      });
}

}  // namespace
}  // namespace onecopy::sync
