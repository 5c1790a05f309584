#include "pool/crew.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "memory/member.hpp"
#include "memory/reclaim.hpp"
#include "os/testing.hpp"
#include "testing/pool_fixture.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::pool {
namespace {

using channel::Contend;
using channel::Get;
using channel::Incoming;
using channel::Put;
using onecopy::testing::answer_task;
using onecopy::testing::begin_numbers_at;
using onecopy::testing::draft;
using onecopy::testing::drain_answers;
using onecopy::testing::make_crew;
using onecopy::testing::put_task;
using onecopy::testing::shapes;
using onecopy::testing::sit_down;
using onecopy::testing::take_task;
using onecopy::testing::TaskBook;
using onecopy::testing::Watchdog;

class CrewTest : public onecopy::testing::PoolFixture {
 protected:
  const Watchdog watchdog_{"crew", 60};
};

TEST_F(CrewTest, HasSeatsWithinReason) {
  EXPECT_EQ(Crew::create(0).error(), Error::invalid);
  EXPECT_EQ(Crew::create(kMostSeats + 1).error(), Error::invalid);
  EXPECT_EQ(make_crew(5).seat_count(), 5u);
  EXPECT_EQ(make_crew(kMostSeats).seat_count(), kMostSeats);
  expect_no_leak();
}

TEST_F(CrewTest, NumbersItsTasks) {
  {
    Crew crew = make_crew(1);
    for (std::uint32_t i = 0; i < 20; ++i) {
      EXPECT_EQ(put_task(crew, draft(i, shapes()[i % shapes().size()])), i);
    }
    EXPECT_EQ(crew.waiting(), 20u);
    expect_sound(crew);
  }
  expect_no_leak();
}

TEST_F(CrewTest, GetsWhatWorkersAnswer) {
  {
    Crew crew = make_crew(1);
    Worker worker = sit_down(crew.name(), 0);
    for (std::uint32_t i = 0; i < 20; ++i) {
      put_task(crew, draft(i, shapes()[i % shapes().size()]));
      const auto task = take_task(worker);
      ASSERT_EQ(task.outcome, Get::done);
      EXPECT_EQ(task.wrong, "");
      ASSERT_EQ(answer_task(worker, task.number, shapes()[i % 4]), Put::done);
      EXPECT_TRUE(crew.has_answer());
    }
    Numbers all;
    for (std::uint32_t i = 0; i < 20; ++i) all.push_back(i);
    EXPECT_EQ(drain_answers(crew), all);
    expect_sound(crew);
  }
  expect_no_leak();
}

TEST_F(CrewTest, WaitsForAnswersNoLongerThanItSays) {
  Crew crew = make_crew(1);
  Incoming message;
  EXPECT_EQ(crew.get(message, Contend::yes), Get::empty);
  EXPECT_EQ(crew.get_round(message, os::Deadline::at(0)), Get::empty);
  EXPECT_EQ(crew.get_round(message, os::Deadline::never()), Get::busy);
  EXPECT_EQ(crew.wait_for_answer(os::Deadline::at(0)), sync::Wait::timed_out);
}

TEST_F(CrewTest, IsWokenByAnAnswer) {
  Crew crew = make_crew(1);
  put_task(crew, draft(0, shapes()[0]));
  std::thread other([&] {
    Worker worker = sit_down(crew.name(), 0);
    answer_task(worker, take_task(worker).number, shapes()[0]);
  });

  while (!crew.has_answer()) crew.wait_for_answer(os::Deadline::never());

  other.join();
  EXPECT_EQ(drain_answers(crew), Numbers{0});
}

TEST_F(CrewTest, KnowsWhichTasksAreTaken) {
  Crew crew = make_crew(1);
  Worker worker = sit_down(crew.name(), 0);
  for (const std::uint32_t i : {0, 1, 2}) put_task(crew, draft(i, shapes()[1]));

  take_task(worker);

  EXPECT_TRUE(crew.is_taken(0));
  EXPECT_FALSE(crew.is_taken(1));
  EXPECT_FALSE(crew.is_taken(2));
  EXPECT_EQ(crew.waiting(), 2u);
}

TEST_F(CrewTest, CountsOnWhenNumbersWrap) {
  {
    Crew crew = make_crew(1);
    begin_numbers_at(crew, 0xfffffffe);
    Worker worker = sit_down(crew.name(), 0);
    Numbers numbers;
    for (std::uint32_t i = 0; i < 4; ++i) numbers.push_back(put_task(crew, draft(i, shapes()[i])));
    EXPECT_EQ(numbers, (Numbers{0xfffffffe, 0xffffffff, 0, 1}));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_FALSE(crew.is_taken(numbers[i]));
      const auto task = take_task(worker);
      EXPECT_EQ(task.wrong, "");
      EXPECT_EQ(task.number, numbers[i]);
      EXPECT_EQ(crew.at(0), numbers[i]);
      for (std::size_t k = 0; k < numbers.size(); ++k) {
        EXPECT_EQ(crew.is_taken(numbers[k]), k <= i);
      }
      expect_sound(crew);
      answer_task(worker, task.number, shapes()[0]);
    }
    EXPECT_EQ(drain_answers(crew), numbers);
  }
  expect_no_leak();
}

TEST_F(CrewTest, TakesNoTaskOnceItIsClosed) {
  Crew crew = make_crew(1);
  put_task(crew, draft(0, shapes()[0]));
  crew.close();
  crew.close();
  std::uint32_t number = 99;
  EXPECT_EQ(crew.put({}, Contend::yes, number), Put::closed);
  EXPECT_EQ(number, 99u);
  EXPECT_EQ(crew.waiting(), 1u) << "what was put is to be done";
  expect_sound(crew);
}

TEST_F(CrewTest, DiscardsWhatNobodyTook) {
  {
    Crew crew = make_crew(1);
    Worker worker = sit_down(crew.name(), 0);
    EXPECT_EQ(crew.discard_tasks(), 0u);
    for (std::uint32_t i = 0; i < 8; ++i) put_task(crew, draft(i, shapes()[i % shapes().size()]));
    take_task(worker);
    EXPECT_EQ(crew.discard_tasks(), 7u);
    EXPECT_EQ(crew.waiting(), 0u);
    EXPECT_EQ(crew.at(0), 0u) << "what was taken stays so";
    expect_sound(crew);
  }
  expect_no_leak();
}

TEST_F(CrewTest, ClearsASeatForTheNext) {
  Crew crew = make_crew(2);
  put_task(crew, draft(0, shapes()[0]));
  {
    Worker worker = sit_down(crew.name(), 1);
    take_task(worker);
    worker.spend(Phase::computing, 70);
  }
  EXPECT_EQ(crew.at(1), 0u);

  crew.clear_seat(1);

  EXPECT_EQ(crew.at(1), std::nullopt);
  const Figures figures = crew.figures(1);
  EXPECT_EQ(figures.taken, 0u);
  EXPECT_EQ(figures.started, 0u);
  EXPECT_EQ(figures.spent[static_cast<std::size_t>(Phase::computing)], 0u);
}

TEST_F(CrewTest, IsHeldForAWorkerThatIsToCome) {
  const auto place = memory::reserve(memory::self()).value();
  Name name;
  {
    Crew crew = make_crew(1);
    name = crew.name();
    crew.hold_for(place.slot);
  }
  {
    Worker worker = sit_down(name, 0);
  }
  memory::reclaim_unborn(place);
  EXPECT_EQ(Worker::open(name, 0).error(), Error::closed);
  expect_no_leak();
}

// -- what a dead worker had -----------------------------------------------------------------------

class Settling : public CrewTest {
 protected:
  Settling() {
    for (std::uint32_t i = 0; i < 3; ++i) book_.put(put_task(crew_, draft(i, shapes()[i])));
  }

  // A worker in seat 0 that does `work` and is killed.
  template <class Work>
  void run_and_kill(const Work& work) {
    os::testing::Child child([&] {
      Worker worker = sit_down(crew_.name(), 0);
      work(worker);
      raise(SIGKILL);
      return 0;
    });
    child.collect();
  }

  Crew crew_ = make_crew(2);
  TaskBook book_;
};

TEST_F(Settling, NothingIsLostWithAWorkerThatHadNothing) {
  run_and_kill([](Worker&) {});
  EXPECT_EQ(book_.settle(crew_, 0, {1}), Numbers{});
  EXPECT_EQ(book_.open(), (Numbers{0, 1, 2}));
}

TEST_F(Settling, ATaskIsLostWithTheWorkerThatTookIt) {
  run_and_kill([](Worker& worker) { take_task(worker); });
  EXPECT_EQ(book_.settle(crew_, 0, {1}), Numbers{0});
  EXPECT_EQ(book_.open(), (Numbers{1, 2}));
}

TEST_F(Settling, AnAnswerOutlivesItsWorker) {
  run_and_kill([](Worker& worker) {
    answer_task(worker, take_task(worker).number, shapes()[2]);
    take_task(worker);
  });
  EXPECT_EQ(book_.settle(crew_, 0, {1}), Numbers{1});
  EXPECT_EQ(book_.open(), Numbers{2});
}

TEST_F(Settling, WhatALivingWorkerHasIsNotLost) {
  Worker living = sit_down(crew_.name(), 1);
  const auto task = take_task(living);
  run_and_kill([](Worker& worker) { take_task(worker); });
  EXPECT_EQ(book_.settle(crew_, 0, {1}), Numbers{1});
  EXPECT_EQ(book_.open(), (Numbers{0, 2}));
  answer_task(living, task.number, shapes()[0]);
  EXPECT_EQ(drain_answers(crew_), Numbers{0});
}

// A death between the note and the taking.
TEST_F(Settling, WhatADeadWorkerOnlyNotedIsNotLost) {
  run_and_kill([](Worker&) {});
  (*Seats::open(crew_.name().seats))->seats()[0].at = channel::note_of(0);

  EXPECT_EQ(book_.settle(crew_, 0, {1}), Numbers{}) << "nobody has taken it";

  Worker living = sit_down(crew_.name(), 1);
  const auto task = take_task(living);
  EXPECT_EQ(book_.settle(crew_, 0, {1}), Numbers{}) << "a living worker has it";
  answer_task(living, task.number, shapes()[0]);
  EXPECT_EQ(book_.settle(crew_, 0, {1}), Numbers{}) << "it is answered";
  EXPECT_EQ(book_.open(), (Numbers{1, 2}));
}

}  // namespace
}  // namespace onecopy::pool
