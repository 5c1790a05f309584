// A worker dies after each instruction of taking, answering and waiting. What it had is lost with
// it, or answered, or for others to take; the others go on; and nothing is leaked.

#include <gtest/gtest.h>

#include "testing/kill_at_every_step.hpp"
#include "testing/pool_fixture.hpp"

namespace onecopy::pool {
namespace {

using onecopy::testing::answer_task;
using onecopy::testing::Draft;
using onecopy::testing::draft;
using onecopy::testing::draft_answer;
using onecopy::testing::drain_answers;
using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::make_crew;
using onecopy::testing::put_answer;
using onecopy::testing::put_task;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::sit_down;
using onecopy::testing::start_process;
using onecopy::testing::Survivors;
using onecopy::testing::take_task;
using onecopy::testing::TaskBook;

constexpr std::uint32_t kDying = 0;  // seats
constexpr std::uint32_t kLiving = 1;
constexpr std::uint32_t kTasks = 4;

class WorkerKill : public onecopy::testing::PoolFixture {
 protected:
  // A pool with tasks of that shape, and two workers in it that have not begun.
  void prepare(const Shape& shape) {
    crew_.emplace(make_crew(2));
    book_ = TaskBook();
    for (std::uint32_t i = 0; i < kTasks; ++i) book_.put(put_task(*crew_, draft(i, shape)));
    dying_.emplace(sit_down(crew_->name(), kDying));
  }

  void start_living() {
    living_ = start_process([this] {
      Worker worker = sit_down(crew_->name(), kLiving);
      onecopy::testing::work(worker, shapes()[2]);
    });
  }

  // Does what is left, with one worker here or with the one that is running, and lets go of all.
  void expect_all_answered() {
    crew_->close();
    if (living_ == 0) {
      Worker worker = sit_down(crew_->name(), kDying);
      onecopy::testing::work(worker, shapes()[2]);
    } else {
      EXPECT_TRUE(ended_well(living_));
      living_ = 0;
    }
    for (const std::uint32_t number : drain_answers(*crew_)) EXPECT_TRUE(book_.close(number));
    EXPECT_EQ(book_.open(), Numbers{});
    memory::reclaim_dead();
    expect_sound(*crew_);
    dying_.reset();
    crew_.reset();
    expect_no_leak();
  }

  void expect_survivors_well(std::size_t most_lost, Survivors survivors) {
    if (survivors == Survivors::reclaim) {
      EXPECT_EQ(memory::reclaim_dead(), 1u);
    }
    const Numbers lost = book_.settle(*crew_, kDying, {kLiving});
    EXPECT_LE(lost.size(), most_lost);
    crew_->clear_seat(kDying);
    expect_all_answered();
  }

  // What the dying worker does; as little else as may be.
  bool take() {
    channel::Incoming task;
    std::uint32_t number = 0;
    const bool taken = dying_->take(task, channel::Contend::yes, number) == channel::Get::done;
    task.discard();
    return taken;
  }

  std::optional<Crew> crew_;
  std::optional<Worker> dying_;
  TaskBook book_;
  pid_t living_ = 0;
};

class WorkerKillOfShape : public WorkerKill, public ::testing::WithParamInterface<Shape> {};

TEST_P(WorkerKillOfShape, Taking) {
  kill_at_every_step(
      {.name = "take a task"}, [&] { prepare(GetParam()); }, [&] { take(); },
      [&] { expect_survivors_well(1, Survivors::reclaim); });
}

TEST_P(WorkerKillOfShape, TakingFoundByItsLockOnly) {
  kill_at_every_step(
      {.name = "take a task, no reclaim", .sample = 12}, [&] { prepare(GetParam()); },
      [&] { take(); }, [&] { expect_survivors_well(1, Survivors::go_on); });
}

TEST_P(WorkerKillOfShape, AnsweringAndTakingTheNext) {
  const auto answer = draft_answer(0, GetParam());
  kill_at_every_step(
      {.name = "answer a task"}, [&] { prepare(GetParam()); },
      [&] {
        take();
        put_answer(*dying_, answer);
        take();
      },
      [&] { expect_survivors_well(1, Survivors::reclaim); });
}

INSTANTIATE_TEST_SUITE_P(Each, WorkerKillOfShape,
                         ::testing::Values(shapes()[0], shapes()[2], shapes()[6]),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(WorkerKill, BesideAnother) {
  std::vector<Draft> answers;
  for (std::uint32_t i = 0; i < kTasks; ++i) answers.push_back(draft_answer(i, shapes()[1]));
  kill_at_every_step(
      {.name = "a worker beside another", .sample = 60},
      [&] {
        prepare(shapes()[1]);
        start_living();
      },
      [&] {
        // It may find that the other one has them all.
        if (take()) put_answer(*dying_, answers.at(*crew_->at(kDying)));
      },
      [&] { expect_survivors_well(1, Survivors::go_on); });
}

TEST_F(WorkerKill, BesideAnotherThatSleeps) {
  kill_at_every_step(
      {.name = "a worker beside a sleeper", .sample = 30},
      [&] {
        prepare(shapes()[0]);
        for (std::uint32_t i = 0; i < kTasks; ++i) {
          answer_task(*dying_, take_task(*dying_).number, shapes()[0]);
        }
        for (const std::uint32_t number : drain_answers(*crew_)) book_.close(number);
        start_living();
        Seats seats = Seats::open(crew_->name().seats).value();
        while (!sync::anyone(seats->workers)) {
        }
        // Nobody is woken for this one: it is as if the one who was had died.
        seats->workers.word.store(0);
        book_.put(put_task(*crew_, draft(kTasks, shapes()[0])));
      },
      [&] { take(); }, [&] { expect_survivors_well(1, Survivors::go_on); });
}

TEST_F(WorkerKill, Waiting) {
  kill_at_every_step(
      {.name = "wait for a task", .sample = 40},
      [&] {
        crew_.emplace(make_crew(2));
        book_ = TaskBook();
        dying_.emplace(sit_down(crew_->name(), kDying));
      },
      [&] { dying_->wait_for_task(os::Deadline::after(1000)); },
      [&] {
        // A dead sleeper is a number until its reclaim: nothing but needless wakes.
        start_living();
        book_.put(put_task(*crew_, draft(0, shapes()[0])));
        EXPECT_EQ(book_.settle(*crew_, kDying, {kLiving}), Numbers{});
        memory::reclaim_dead();
        expect_all_answered();
      });
}

}  // namespace
}  // namespace onecopy::pool
