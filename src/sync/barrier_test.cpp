#include "sync/barrier.hpp"

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

Passage enter(Barrier& barrier, std::uint32_t& index) {
  Slices slices(Deadline::never());
  Passage passage = Passage::again;
  while (passage == Passage::again) passage = barrier.enter(slices, index);
  return passage;
}

Passage wait(Barrier& barrier, Deadline deadline = Deadline::never()) {
  Slices slices(deadline);
  Passage passage = Passage::again;
  while (passage == Passage::again) passage = barrier.wait(slices);
  return passage;
}

// All of it, without an action.
Passage pass(Barrier& barrier, Deadline deadline = Deadline::never()) {
  std::uint32_t index = 0;
  const Passage passage = enter(barrier, index);
  if (passage == Passage::waits) return wait(barrier, deadline);
  if (passage != Passage::acts) return passage;
  barrier.finish(true);
  return Passage::passed;
}

void change(Barrier& barrier, Passage (Barrier::*how)(Slices&) noexcept) {
  Slices slices(Deadline::never());
  while ((barrier.*how)(slices) == Passage::again) {
  }
}

class BarrierTest : public ::testing::Test {
 protected:
  ~BarrierTest() override {
    memory::reclaim_dead();
    EXPECT_EQ(barrier_.validate(), "");
    EXPECT_EQ(memory::validate_memory(), "");
  }

  pid_t start_party(Passage expected) {
    const std::uint32_t before = barrier_.count();
    const pid_t party = start_process([=, this] { EXPECT_EQ(pass(barrier_), expected); });
    while (barrier_.count() == before) {
    }
    return party;
  }
  // A party that acts until it is killed.
  pid_t start_actor() {
    const std::uint32_t before = barrier_.count();
    const pid_t actor = start_process([this] {
      std::uint32_t index = 0;
      EXPECT_EQ(enter(barrier_, index), Passage::acts);
      pause();
    });
    while (barrier_.count() == before) {
    }
    return actor;
  }
  void abort() { change(barrier_, &Barrier::abort); }
  void reset() { change(barrier_, &Barrier::reset); }

  Watchdog watchdog_{"barrier", 100};
  Barrier barrier_ = Barrier::create(3).value();
};

TEST_F(BarrierTest, LetsAllGoOnWhenAllHaveCome) {
  const pid_t first = start_party(Passage::passed);
  const pid_t second = start_party(Passage::passed);
  EXPECT_EQ(barrier_.count(), 2u);
  std::uint32_t index = 0;
  EXPECT_EQ(enter(barrier_, index), Passage::acts);
  EXPECT_EQ(index, 2u);
  barrier_.finish(true);
  EXPECT_TRUE(ended_well(first));
  EXPECT_TRUE(ended_well(second));
  EXPECT_EQ(barrier_.state(), BarrierState::filling);
  EXPECT_EQ(barrier_.count(), 0u);
}

TEST_F(BarrierTest, IsPassedAgainAndAgainByThreadsAndProcesses) {
  struct Counters {
    std::atomic<std::uint32_t> inside;
  };
  Shared<Counters> counters;
  constexpr std::uint32_t kRounds = 1'000;
  const auto work = [&] {
    for (std::uint32_t round = 1; round <= kRounds; ++round) {
      ++counters->inside;
      ASSERT_EQ(pass(barrier_), Passage::passed);
      ASSERT_GE(counters->inside.load(), 3 * round) << "nobody goes on before all have come";
    }
  };
  const pid_t other = start_process(work);
  std::thread thread(work);
  work();
  thread.join();
  EXPECT_TRUE(ended_well(other));
}

TEST_F(BarrierTest, IsForOneAlone) {
  Barrier alone = Barrier::create(1).value();
  EXPECT_EQ(pass(alone), Passage::passed);
  EXPECT_EQ(pass(alone), Passage::passed);
  EXPECT_EQ(alone.validate(), "");
}

TEST_F(BarrierTest, BreaksWhenAPartysTimeIsOver) {
  const pid_t first = start_party(Passage::broken);
  const os::Nanoseconds begin = os::now();
  EXPECT_EQ(pass(barrier_, Deadline::after(20 * os::kMillisecond)), Passage::broken);
  EXPECT_GE(os::now() - begin, 20 * os::kMillisecond);
  EXPECT_TRUE(ended_well(first));
  EXPECT_EQ(pass(barrier_), Passage::broken) << "and stays broken";
  reset();
  EXPECT_EQ(barrier_.state(), BarrierState::filling);
}

TEST_F(BarrierTest, IsBrokenAndResetByAnybody) {
  const pid_t first = start_party(Passage::broken);
  abort();
  EXPECT_TRUE(ended_well(first));
  EXPECT_EQ(barrier_.state(), BarrierState::broken);
  reset();
  const pid_t second = start_party(Passage::broken);
  reset();
  EXPECT_TRUE(ended_well(second));
  EXPECT_EQ(barrier_.state(), BarrierState::filling);
}

TEST_F(BarrierTest, LetsNobodyGoOnWhileOneActs) {
  Barrier two = Barrier::create(2).value();
  std::uint32_t index = 0;
  ASSERT_EQ(enter(two, index), Passage::waits);
  Slices over(Deadline::after(0));
  std::thread actor([&] {
    ASSERT_EQ(enter(two, index), Passage::acts);
    std::thread waiter([&] {
      EXPECT_EQ(two.wait(over), Passage::again) << "its time is over, and all have come";
      Slices slices(Deadline::never());
      EXPECT_EQ(two.abort(slices), Passage::again);
      EXPECT_EQ(two.reset(slices), Passage::again);
    });
    waiter.join();
    EXPECT_EQ(two.state(), BarrierState::filling);
    two.finish(true);
  });
  actor.join();
  EXPECT_EQ(wait(two), Passage::passed);
  EXPECT_EQ(two.validate(), "");
}

TEST_F(BarrierTest, IsBrokenByAFailingAct) {
  const pid_t first = start_party(Passage::broken);
  const pid_t second = start_party(Passage::broken);
  std::uint32_t index = 0;
  EXPECT_EQ(enter(barrier_, index), Passage::acts);
  barrier_.finish(false);
  EXPECT_TRUE(ended_well(first));
  EXPECT_TRUE(ended_well(second));
  EXPECT_EQ(barrier_.state(), BarrierState::broken);
}

TEST_F(BarrierTest, IsBrokenByAPartyThatIsKilledWhileItWaits) {
  const pid_t dead = start_party(Passage::passed);
  const pid_t living = start_party(Passage::broken);
  os::testing::wait_until_asleep(living);
  kill_process(dead);
  EXPECT_TRUE(ended_well(living)) << "and nobody reclaimed";
  EXPECT_EQ(barrier_.state(), BarrierState::broken);
}

TEST_F(BarrierTest, IsBrokenWhenTheLastComesAfterAPartyWasKilled) {
  const pid_t living = start_party(Passage::broken);
  kill_process(start_party(Passage::passed));
  EXPECT_EQ(pass(barrier_), Passage::broken) << "and nobody reclaimed";
  EXPECT_TRUE(ended_well(living));
}

TEST_F(BarrierTest, IsBrokenForWhoOnlyAsks) {
  kill_process(start_party(Passage::passed));
  while (barrier_.state() != BarrierState::broken) barrier_.look_for_dead();
  EXPECT_EQ(barrier_.count(), 0u) << "and nobody reclaimed";
}

TEST_F(BarrierTest, IsBrokenByTheReclaimOfADeadParty) {
  kill_process(start_party(Passage::passed));
  memory::reclaim_dead();
  EXPECT_EQ(pass(barrier_), Passage::broken);
  EXPECT_EQ(barrier_.count(), 0u);
}

TEST_F(BarrierTest, IsBrokenByWhoIsKilledWhileItActs) {
  const pid_t first = start_party(Passage::broken);
  const pid_t second = start_party(Passage::broken);
  kill_process(start_actor());
  EXPECT_TRUE(ended_well(first)) << "and nobody reclaimed";
  EXPECT_TRUE(ended_well(second));
  reset();
  EXPECT_EQ(barrier_.state(), BarrierState::filling);
}

TEST_F(BarrierTest, IsLeftByAPartyThatIsInterrupted) {
  const os::testing::InterruptingSignal quiet;
  os::testing::Child party([&] {
    Slices slices(Deadline::never());
    std::uint32_t index = 0;
    EXPECT_EQ(barrier_.enter(slices, index), Passage::waits);
    EXPECT_EQ(barrier_.wait(slices), Passage::again);
    barrier_.leave();
    return 0;
  });
  EXPECT_TRUE(party.signal_until_end(SIGUSR1).success());
  EXPECT_EQ(barrier_.count(), 0u);
  EXPECT_EQ(barrier_.state(), BarrierState::filling);
}

TEST_F(BarrierTest, IsNotTheAffairOfAForkedCopyOfAParty) {
  Barrier alone = Barrier::create(1).value();
  std::uint32_t index = 0;
  ASSERT_EQ(enter(alone, index), Passage::acts);
  EXPECT_TRUE(ended_well(start_process([&] {
    alone.finish(true);
    alone.leave();
  })));
  EXPECT_EQ(alone.count(), 1u);
  alone.finish(true);
  EXPECT_EQ(alone.count(), 0u);
}

TEST_F(BarrierTest, IsOpenedByItsNameWhileSomebodyHoldsIt) {
  const memory::SharedName name = barrier_.name();
  {
    Barrier again = Barrier::open(name).value();
    change(again, &Barrier::abort);
    EXPECT_EQ(barrier_.state(), BarrierState::broken);
  }
  barrier_ = Barrier::create(1).value();
  EXPECT_EQ(Barrier::open(name).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::sync
