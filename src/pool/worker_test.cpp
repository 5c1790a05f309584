#include "pool/worker.hpp"

#include <gtest/gtest.h>

#include "os/testing.hpp"
#include "testing/pool_fixture.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::pool {
namespace {

using channel::Contend;
using channel::Get;
using channel::Put;
using onecopy::testing::answer_task;
using onecopy::testing::draft;
using onecopy::testing::drain_answers;
using onecopy::testing::ended_well;
using onecopy::testing::make_crew;
using onecopy::testing::put_task;
using onecopy::testing::shapes;
using onecopy::testing::sit_down;
using onecopy::testing::start_process;
using onecopy::testing::take_task;
using onecopy::testing::Watchdog;

class WorkerTest : public onecopy::testing::PoolFixture {
 protected:
  // A process that works until the pool closes, and has then answered what it took.
  pid_t start_worker(std::uint32_t seat) {
    return start_process([this, seat] {
      Worker worker = sit_down(crew_.name(), seat);
      onecopy::testing::work(worker, shapes()[0]);
    });
  }

  const Watchdog watchdog_{"worker", 60};
  Crew crew_ = make_crew(4);
};

TEST_F(WorkerTest, SitsInASeatThatThereIs) {
  EXPECT_EQ(Worker::open(crew_.name(), 4).error(), Error::invalid);
  EXPECT_TRUE(Worker::open(crew_.name(), 3));
  EXPECT_NE(crew_.figures(3).started, 0u);
}

TEST_F(WorkerTest, FindsNoPoolThatIsGone) {
  const Name name = crew_.name();
  crew_ = make_crew(1);
  EXPECT_EQ(Worker::open(name, 0).error(), Error::closed);
}

TEST_F(WorkerTest, NamesItsTaskFromTakingToAnswering) {
  Worker worker = sit_down(crew_.name(), 2);
  EXPECT_EQ(crew_.at(2), std::nullopt);
  EXPECT_EQ(take_task(worker).outcome, Get::empty);
  EXPECT_EQ(crew_.at(2), std::nullopt);
  for (const std::uint32_t i : {0, 1}) put_task(crew_, draft(i, shapes()[0]));
  for (const std::uint32_t i : {0, 1}) {
    EXPECT_EQ(take_task(worker).number, i);
    EXPECT_EQ(crew_.at(2), i);
    EXPECT_EQ(answer_task(worker, i, shapes()[1]), Put::done);
    EXPECT_EQ(crew_.at(2), std::nullopt);
  }
  EXPECT_EQ(crew_.at(1), std::nullopt);
  EXPECT_EQ(drain_answers(crew_), (Numbers{0, 1}));
}

TEST_F(WorkerTest, KeepsFigures) {
  Worker worker = sit_down(crew_.name(), 0);
  for (const std::uint32_t i : {0, 1}) put_task(crew_, draft(i, shapes()[0]));
  for (const std::uint32_t i : {0, 1}) {
    take_task(worker);
    answer_task(worker, i, shapes()[0]);
  }
  worker.spend(Phase::waiting, 1);
  worker.spend(Phase::receiving, 20);
  worker.spend(Phase::computing, 300);
  worker.spend(Phase::computing, 40);
  worker.spend(Phase::sending, 5000);

  const Figures figures = crew_.figures(0);

  EXPECT_EQ(figures.taken, 2u);
  EXPECT_EQ(figures.spent, (std::array<std::uint64_t, kPhases>{1, 20, 340, 5000}));
}

TEST_F(WorkerTest, WaitsNoLongerThanItSays) {
  Worker worker = sit_down(crew_.name(), 0);
  EXPECT_EQ(worker.wait_for_task(os::Deadline::at(0)), sync::Wait::timed_out);
  EXPECT_EQ(worker.wait_for_task(os::Deadline::never()), sync::Wait::timed_out) << "a slice";
  put_task(crew_, draft(0, shapes()[0]));
  EXPECT_EQ(worker.wait_for_task(os::Deadline::never()), sync::Wait::ready);
}

TEST_F(WorkerTest, IsReadyToLeaveOnceThePoolCloses) {
  Worker worker = sit_down(crew_.name(), 0);
  EXPECT_FALSE(worker.is_closing());
  crew_.close();
  EXPECT_TRUE(worker.is_closing());
  EXPECT_EQ(worker.wait_for_task(os::Deadline::never()), sync::Wait::ready);
}

TEST_F(WorkerTest, IsWokenByATask) {
  const pid_t worker = start_worker(0);
  for (std::uint32_t i = 0; i < 20; ++i) {
    os::testing::wait_until_asleep(worker);
    put_task(crew_, draft(i, shapes()[0]));
    while (!crew_.has_answer()) crew_.wait_for_answer(os::Deadline::never());
    EXPECT_EQ(drain_answers(crew_), Numbers{i});
  }
  crew_.close();
  EXPECT_TRUE(ended_well(worker));
}

TEST_F(WorkerTest, DoesAllThereIsBeforeItLeaves) {
  std::vector<pid_t> workers;
  for (const std::uint32_t seat : {0, 1, 2, 3}) workers.push_back(start_worker(seat));
  for (const pid_t worker : workers) os::testing::wait_until_asleep(worker);
  for (std::uint32_t i = 0; i < 100; ++i) put_task(crew_, draft(i, shapes()[i % 3]));
  crew_.close();

  for (const pid_t worker : workers) EXPECT_TRUE(ended_well(worker));

  EXPECT_EQ(crew_.waiting(), 0u);
  EXPECT_EQ(drain_answers(crew_).size(), 100u);
  expect_sound(crew_);
}

// No slice may be needed for it: who is about to sleep when it closes does not.
TEST_F(WorkerTest, IsWokenByTheClosing) {
  Seats seats = Seats::open(crew_.name().seats).value();
  const std::uint32_t epoch = sync::enter(seats->workers);
  const std::uint64_t seen = seats->signal;

  crew_.close();

  EXPECT_EQ(os::futex_wait(os::low_half(&seats->signal), static_cast<std::uint32_t>(seen),
                           os::Deadline::never()),
            os::FutexWait::changed);
  sync::leave(seats->workers, epoch);
}

}  // namespace
}  // namespace onecopy::pool
