// Who publishes, withdraws, finds and waits for names dies after each instruction, and so does who
// takes back what it held. A name is there or is not, whoever finds it has what it stands for, and
// in the end nothing is leaked.

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include <onecopy/array.hpp>
#include <onecopy/names.hpp>
#include <onecopy/pipe.hpp>
#include <onecopy/shared.hpp>

#include "memory/census.hpp"
#include "memory/validate.hpp"
#include "names/table.hpp"
#include "os/testing.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::start_process;

class NamesKill : public ::testing::Test {
 protected:
  NamesKill() {
    EXPECT_TRUE(memory::join_family());
    table_.span()[0] = 1.5;
    before_ = memory::take_census().in_use;
  }

  // Before and after what the dead held is taken back.
  void expect_working() {
    EXPECT_EQ(names::validate_names(), "");
    EXPECT_EQ(find<Numbers>("queue").error(), Error::not_found) << "its publisher is dead";
    EXPECT_EQ(find<Shared<double>>("table").error(), Error::not_found);
    EXPECT_TRUE(publish("queue", numbers_));
    find<Numbers>("queue").value_or_throw().put(7);
    EXPECT_EQ(numbers_.get(), 7);
    EXPECT_TRUE(publish("table", table_));
    EXPECT_EQ(find<Shared<double>>("table").value_or_throw().span()[0], 1.5);
    for (const char* name : {"queue", "table"}) EXPECT_TRUE(withdraw(name));
    numbers_ = Numbers();  // whose segment grows with what goes through it
    expect_no_leak();
  }

  void expect_no_leak() {
    memory::reclaim_dead();
    EXPECT_EQ(memory::reclaim_dead(), 0u);
    EXPECT_EQ(names::validate_names(), "");
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_TRUE(published_names().empty());
    EXPECT_EQ(memory::take_census().in_use, before_);
  }

  using Numbers = Queue<int>;
  using Line = Pipe<int>;
  Numbers numbers_;
  Shared<double> table_{1000};
  std::uint64_t before_ = 0;
};

TEST_F(NamesKill, WhoPublishesAndWithdraws) {
  kill_at_every_step(
      {.name = "names, publish and withdraw"}, [] {},
      [this] {
        EXPECT_TRUE(publish("queue", numbers_));
        EXPECT_TRUE(publish("table", table_));
        EXPECT_TRUE(withdraw("queue"));
        EXPECT_TRUE(withdraw("table"));
      },
      [this] { expect_working(); });
}

TEST_F(NamesKill, WhoPublishesWhatNobodyElseHas) {
  kill_at_every_step(
      {.name = "names, publish its own"}, [] {},
      [] {
        EXPECT_TRUE(publish("queue", Numbers()));
        EXPECT_TRUE(publish("table", Shared<double>(10)));
        EXPECT_TRUE(publish("array", Array<int>(10)));
      },
      [this] { expect_working(); });
}

TEST_F(NamesKill, WhoFinds) {
  const auto prepare = [this] {
    EXPECT_TRUE(publish("kept queue", numbers_));
    EXPECT_TRUE(publish("kept table", table_));
    EXPECT_TRUE(publish("kept array", Array<int>(10)));
  };
  const auto check = [this] {
    EXPECT_TRUE(find<Numbers>("kept queue"));
    EXPECT_TRUE(find<Shared<double>>("kept table"));
    EXPECT_TRUE(find<Array<int>>("kept array"));
    for (const char* name : {"kept queue", "kept table", "kept array"}) {
      EXPECT_TRUE(withdraw(name));
    }
    expect_working();
  };
  kill_at_every_step(
      {.name = "names, find"}, prepare,
      [] {
        EXPECT_TRUE(find<Numbers>("kept queue"));
        EXPECT_TRUE(find<Shared<double>>("kept table"));
        EXPECT_TRUE(find<Array<int>>("kept array"));
      },
      check);
}

TEST_F(NamesKill, WhoPublishesAPipe) {
  kill_at_every_step(
      {.name = "names, publish a pipe", .sample = 200}, [] {},
      [] {
        const Line line;
        EXPECT_TRUE(publish("line", line.first));
        EXPECT_TRUE(withdraw("line"));
      },
      [this] {
        EXPECT_EQ(find<PipeEnd<int>>("line").error(), Error::not_found);
        expect_working();
      });
}

TEST_F(NamesKill, WhoFindsAPipe) {
  std::optional<Line> line;
  kill_at_every_step(
      {.name = "names, find a pipe", .sample = 200},
      [&line] {
        line.emplace();
        EXPECT_TRUE(publish("line", line->first));
        line->first.close();
      },
      [] { find<PipeEnd<int>>("line").value_or_throw().send(1); },
      [&, this] {
        // What the dead one may have sent.
        static_cast<void>(line->second.recv_for(0s));
        find<PipeEnd<int>>("line").value_or_throw().send(2);
        EXPECT_EQ(line->second.recv_for(60s).value_or_throw(), 2);
        EXPECT_TRUE(withdraw("line"));
        EXPECT_EQ(line->second.recv_for(60s).error(), Error::end_of_stream);
        line.reset();
        expect_working();
      });
}

TEST_F(NamesKill, AWaiter) {
  kill_at_every_step(
      {.name = "names, wait", .sample = 80}, [] {},
      [] { EXPECT_EQ(find_for<Numbers>("never", 20ms).error(), Error::timed_out); },
      [this] { expect_working(); });
}

TEST_F(NamesKill, WhoPublishesWhatAnotherWaitsFor) {
  pid_t finder = 0;
  kill_at_every_step(
      {.name = "names, wake", .sample = 60},
      [&] {
        finder = start_process([] { EXPECT_EQ(find_for<int>("awaited", 100s).value(), 5); });
        os::testing::wait_until_asleep(finder);
      },
      [] { EXPECT_TRUE(publish("awaited", 5)); },
      [&] {
        // Published by the dead one, which is dead, or by this one.
        EXPECT_TRUE(publish("awaited", 5));
        EXPECT_TRUE(ended_well(finder));
        EXPECT_TRUE(withdraw("awaited"));
        expect_working();
      });
}

TEST_F(NamesKill, WhoTakesBackWhatTheDeadHad) {
  kill_at_every_step(
      {.name = "names, reclaim", .sample = 100},
      [] {
        EXPECT_TRUE(ended_well(start_process([] {
          EXPECT_TRUE(publish("queue", Numbers()));
          EXPECT_TRUE(publish("table", Shared<double>(10)));
        })));
      },
      [] { memory::reclaim_dead(); }, [this] { expect_working(); });
}

}  // namespace
}  // namespace onecopy
