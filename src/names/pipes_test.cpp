// Ends of pipes under names, between processes of which none inherits the end that it finds.
#include "names/pipes.hpp"

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <onecopy/family.hpp>
#include <onecopy/names.hpp>

#include "memory/census.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::start_process;
using Line = Pipe<int, std::string>;

class PipeNames : public ::testing::Test {
 protected:
  PipeNames() {
    EXPECT_TRUE(family::join());
    before_ = memory::take_census().in_use;
  }
  ~PipeNames() override {
    memory::reclaim_dead();
    EXPECT_EQ(names::validate_names(), "");
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
    EXPECT_TRUE(published_names().empty());
  }

 private:
  std::uint64_t before_ = 0;
};

// A process that was there before the pipe and asks `line`, which it has to find, for a word.
pid_t start_finder() {
  return start_process([] {
    auto end = find_for<PipeEnd<std::string, int>>("line", 60s).value_or_throw();
    end.send("word " + std::to_string(end.recv()));
    EXPECT_EQ(end.recv_for(60s).error(), Error::end_of_stream);
  });
}

TEST_F(PipeNames, LeadToTheEnd) {
  const pid_t finder = start_finder();
  auto [here, there] = Line();
  EXPECT_TRUE(publish("line", there));
  there.close();

  here.send(5);
  EXPECT_EQ(here.recv(), "word 5");
  EXPECT_EQ(here.recv_for(1ms).error(), Error::timed_out) << "the name keeps the end open";

  EXPECT_TRUE(withdraw("line"));
  here.close();
  EXPECT_TRUE(ended_well(finder));
}

TEST_F(PipeNames, AreAnEndNoLongerWhenAllWhoHadItAreGone) {
  const pid_t finder = start_process([] {
    auto end = find_for<PipeEnd<std::string, int>>("line", 60s).value_or_throw();
    end.send("here");
    EXPECT_EQ(end.recv_for(60s).value_or_throw(), 1);
  });
  auto [here, there] = Line();
  EXPECT_TRUE(publish("line", there));
  EXPECT_EQ(here.recv(), "here");
  there.close();
  EXPECT_TRUE(withdraw("line"));

  EXPECT_EQ(here.recv_for(1ms).error(), Error::timed_out) << "who has found it has it";
  here.send(1);
  EXPECT_TRUE(ended_well(finder));

  EXPECT_EQ(here.recv_for(60s).error(), Error::end_of_stream);
  EXPECT_EQ(here.send_for(2, 60s).error(), Error::broken_pipe);
}

TEST_F(PipeNames, OfAKilledPublisherAreGoneAndSoIsTheEnd) {
  Queue<int> published;
  const pid_t publisher = start_process([&published] {
    auto [here, there] = Line();
    EXPECT_TRUE(publish("line", there));
    published.put(0);
    static_cast<void>(here.recv_for(60s));
  });
  published.get();
  auto found = find<PipeEnd<std::string, int>>("line").value_or_throw();

  kill(publisher, SIGKILL);

  EXPECT_EQ(found.recv_for(60s).error(), Error::end_of_stream);
  EXPECT_EQ(waitpid(publisher, nullptr, 0), publisher);
  EXPECT_EQ((find<PipeEnd<std::string, int>>("line").error()), Error::not_found);
}

TEST_F(PipeNames, AreFoundByManyWhoShareTheEnd) {
  auto [here, there] = Line();
  EXPECT_TRUE(publish("line", there));
  there.close();
  constexpr int kFinders = 6;
  pid_t finders[kFinders];
  for (pid_t& finder : finders) {
    finder = start_process([&here] {
      here.close();
      auto end = find<PipeEnd<std::string, int>>("line").value_or_throw();
      end.send(std::to_string(end.recv()));
    });
  }

  int sum = 0;
  for (int i = 1; i <= kFinders; ++i) here.send(i);
  for (int i = 1; i <= kFinders; ++i) sum += std::stoi(here.recv());

  EXPECT_EQ(sum, 21);
  for (const pid_t finder : finders) EXPECT_TRUE(ended_well(finder));
  EXPECT_TRUE(withdraw("line"));
  EXPECT_EQ(here.recv_for(60s).error(), Error::end_of_stream);
}

TEST_F(PipeNames, AreTheirPublishersAloneAfterAFork) {
  auto [here, there] = Line();
  EXPECT_TRUE(publish("line", there));
  there.close();
  Queue<int> tried;
  Queue<int> leave;
  const pid_t child = start_process([&] {
    EXPECT_EQ(withdraw("line").error(), Error::permission);
    tried.put(0);
    leave.get();
  });
  tried.get();

  EXPECT_TRUE(withdraw("line"));

  EXPECT_EQ(here.recv_for(60s).error(), Error::end_of_stream) << "the child has no part in it";
  leave.put(0);
  EXPECT_TRUE(ended_well(child));
}

TEST_F(PipeNames, OfAStoppedPublisherAnswerThatItIsStopped) {
  Queue<int> published;
  const pid_t publisher = start_process([&published] {
    auto [here, there] = Line();
    EXPECT_TRUE(publish("line", there));
    published.put(0);
    EXPECT_EQ(here.recv_for(60s).value_or_throw(), "done");
  });
  published.get();
  kill(publisher, SIGSTOP);
  EXPECT_EQ(waitpid(publisher, nullptr, WUNTRACED), publisher);

  const Failure failure = find<PipeEnd<std::string, int>>("line").failure();
  EXPECT_EQ(failure.code, Error::timed_out);
  EXPECT_NE(failure.text().find("process " + std::to_string(publisher)), std::string::npos)
      << failure.text();

  const pid_t finder = start_process(
      [] { find_for<PipeEnd<std::string, int>>("line", 60s).value_or_throw().send("done"); });
  os::testing::wait_until_asleep(finder);
  kill(publisher, SIGCONT);
  EXPECT_TRUE(ended_well(finder)) << "it waits as long as it was told";
  EXPECT_TRUE(ended_well(publisher));
}

TEST_F(PipeNames, AreNotMistakenForOtherThings) {
  auto [here, there] = Line();
  EXPECT_TRUE(publish("line", there));
  EXPECT_EQ(publish("line", here).error(), Error::invalid) << "the name is taken";
  EXPECT_EQ(find<Queue<int>>("line").failure().text(),
            "'line' names an end of a pipe, not a queue");
  EXPECT_EQ(find<int>("line").failure().text(), "'line' names an end of a pipe, not a value");
  EXPECT_TRUE(withdraw("line"));

  EXPECT_TRUE(publish("number", 5));
  EXPECT_EQ((find<PipeEnd<int, int>>("number").failure().text()),
            "'number' names a value, not an end of a pipe");
  EXPECT_TRUE(withdraw("number"));

  there.close();
  EXPECT_EQ(publish("line", there).error(), Error::closed);
}

TEST_F(PipeNames, OfOneWayGoThatWay) {
  auto [receiving, sending] = channel::make_pipe(false).value_or_throw();
  EXPECT_TRUE(names::publish_pipe("receiving", receiving));
  EXPECT_TRUE(names::publish_pipe("sending", sending));
  auto in = find<PipeEnd<int, int>>("receiving").value_or_throw();
  auto out = find<PipeEnd<int, int>>("sending").value_or_throw();

  out.send(5);
  EXPECT_EQ(in.recv(), 5);
  EXPECT_EQ(in.send_for(5, 0s).failure().text(), "this end of the pipe only receives");
  EXPECT_EQ(out.recv_for(0s).failure().text(), "this end of the pipe only sends");
  for (const char* name : {"receiving", "sending"}) EXPECT_TRUE(withdraw(name));
}

}  // namespace
}  // namespace onecopy
