// Who finds out what a dead worker had, and who closes a pool, dies after each instruction. The
// next who does it finds the same; and nothing is leaked.

#include <gtest/gtest.h>

#include "testing/kill_at_every_step.hpp"
#include "testing/pool_fixture.hpp"

namespace onecopy::pool {
namespace {

using onecopy::testing::answer_task;
using onecopy::testing::draft;
using onecopy::testing::drain_answers;
using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::make_crew;
using onecopy::testing::put_task;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::sit_down;
using onecopy::testing::start_process;
using onecopy::testing::SteppedProcess;
using onecopy::testing::take_task;
using onecopy::testing::TaskBook;

// Where the worker died whose task is in question.
enum class Died { after_the_note, after_the_commit, in_its_task };

struct Case {
  const char* name;
  Died died;
  Shape shape;

  friend void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }
};

class CrewKill : public onecopy::testing::PoolFixture {
 protected:
  void let_worker_die(Died died) {
    Worker worker = sit_down(crew_->name(), 0);
    SteppedProcess child([&worker] { take_task(worker); });
    const auto has_come_so_far = [this, died] {
      if (!crew_->at(0)) return false;
      return died == Died::after_the_note || crew_->waiting() == 1;
    };
    if (died == Died::in_its_task) {
      while (child.step()) continue;
    } else {
      while (!has_come_so_far()) ASSERT_TRUE(child.step());
      EXPECT_EQ(crew_->waiting(), died == Died::after_the_note ? 2u : 1u);
    }
    child.kill_now();
  }

  std::optional<Crew> crew_;
  TaskBook book_;
};

class SettlingKill : public CrewKill, public ::testing::WithParamInterface<Case> {
 protected:
  void prepare() {
    crew_.emplace(make_crew(2));
    book_ = TaskBook();
    for (std::uint32_t i = 0; i < 3; ++i) {
      book_.put(put_task(*crew_, draft(i, GetParam().shape)));
    }
    {
      Worker worker = sit_down(crew_->name(), 1);
      answer_task(worker, take_task(worker).number, GetParam().shape);
    }
    let_worker_die(GetParam().died);
  }

  void expect_the_same_found_again() {
    for (const std::uint32_t number : drain_answers(*crew_)) EXPECT_TRUE(book_.close(number));
    const bool is_lost = GetParam().died != Died::after_the_note;
    EXPECT_EQ(book_.settle(*crew_, 0, {1}), is_lost ? Numbers{1} : Numbers{});
    crew_->clear_seat(0);
    crew_->close();
    {
      Worker worker = sit_down(crew_->name(), 0);
      onecopy::testing::work(worker, shapes()[2]);
    }
    EXPECT_EQ(drain_answers(*crew_), is_lost ? Numbers{2} : (Numbers{1, 2}));
    memory::reclaim_dead();
    expect_sound(*crew_);
    crew_.reset();
    expect_no_leak();
  }
};

// Asking alone takes nothing out of the channels: all is there for who asks next.
TEST_P(SettlingKill, AskingWhatWasTaken) {
  kill_at_every_step(
      {.name = "is a task taken", .sample = 60}, [&] { prepare(); },
      [&] {
        for (const std::uint32_t number : book_.open()) crew_->is_taken(number);
        for (const std::uint32_t seat : {0, 1}) crew_->at(seat);
      },
      [&] { expect_the_same_found_again(); });
}

INSTANTIATE_TEST_SUITE_P(
    AWorkerThatDied, SettlingKill,
    ::testing::Values(Case{"AfterTheNote", Died::after_the_note, shapes()[2]},
                      Case{"AfterTheCommit", Died::after_the_commit, shapes()[2]},
                      Case{"AfterTheCommitOutlined", Died::after_the_commit, shapes()[6]},
                      Case{"InItsTask", Died::in_its_task, shapes()[0]}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(CrewKill, Closing) {
  pid_t living = 0;
  make_crew(1).close();  // the first call of a function is another than the later ones
  kill_at_every_step(
      {.name = "close a pool", .sample = 60},
      [&] {
        crew_.emplace(make_crew(1));
        living = start_process([&] {
          Worker worker = sit_down(crew_->name(), 0);
          onecopy::testing::work(worker, shapes()[0]);
        });
        Seats seats = Seats::open(crew_->name().seats).value();
        while (!sync::anyone(seats->workers)) {
        }
      },
      [&] { crew_->close(); },
      [&] {
        Seats seats = Seats::open(crew_->name().seats).value();
        // What was closed is closed, though nobody may have been woken.
        if (seats->closing.load() == 0) crew_->close();
        EXPECT_TRUE(ended_well(living));
        memory::reclaim_dead();
        expect_sound(*crew_);
        crew_.reset();
      });
  expect_no_leak();
}

TEST_F(CrewKill, DiscardingTasks) {
  kill_at_every_step(
      {.name = "discard tasks", .sample = 60},
      [&] {
        crew_.emplace(make_crew(1));
        for (std::uint32_t i = 0; i < 3; ++i) put_task(*crew_, draft(i, shapes()[2 * i]));
      },
      [&] { crew_->discard_tasks(); },
      [&] {
        memory::reclaim_dead();
        EXPECT_LE(crew_->discard_tasks(), 3u);
        EXPECT_EQ(crew_->waiting(), 0u);
        expect_sound(*crew_);
        crew_.reset();
        expect_no_leak();
      });
}

}  // namespace
}  // namespace onecopy::pool
