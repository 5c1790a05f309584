#include <onecopy/process.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/pipe.hpp>
#include <onecopy/queue.hpp>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "os/descriptor.hpp"
#include "os/process_identity.hpp"
#include "os/system.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"
#include "testing/stopping.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void be_busy() {
  for (volatile unsigned long round = 0;;) round = round + 1;
}

template <class Callable>
Process start(Callable&& callable, ProcessOptions options = {}) {
  return Process::start(std::forward<Callable>(callable), std::move(options)).value_or_throw();
}

// What a child printed on stderr while `body` ran here.
template <class Body>
std::string stderr_during(const Body& body) {
  ::testing::internal::CaptureStderr();
  body();
  return ::testing::internal::GetCapturedStderr();
}

// Once the child was started, found no place, and died at its first message.
TEST(Process, IsRefusedWhereTheFamilyIsFull) {
  testing::in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    std::vector<memory::Ticket> places;
    for (auto place = memory::reserve_place(); place; place = memory::reserve_place()) {
      places.push_back(*place);
    }
    EXPECT_EQ(Process::start([] { return 0; }).error(), Error::too_many);

    memory::release_place(places.back());
    Process process = start([] { return 7; });
    EXPECT_EQ(*process.join(), 7);
  });
}

TEST(Process, GivesTheFunctionsNumberAsExitCode) {
  Process process = start([] { return 7; });

  EXPECT_EQ(*process.join(), 7);
  EXPECT_EQ(process.exit_code(), 7);
  EXPECT_EQ(*process.join(), 7) << "asked again";
}

int give_seven() { return 7; }

TEST(Process, RunsAFunctionByItsName) {
  EXPECT_EQ(Process::start(give_seven).value_or_throw().join().value_or_throw(), 7);
}

TEST(Process, ExitsWithZeroAfterAFunctionWithoutAnAnswer) {
  EXPECT_EQ(*start([] {}).join(), 0);
}

TEST(Process, SharesQueuesWithItsParent) {
  Queue<std::string> queue;
  int copied = 1;
  Process process = start([&] {
    queue.put("from " + std::to_string(os::process_id()));
    copied = 2;
  });

  EXPECT_EQ(queue.get(), "from " + std::to_string(process.pid()));
  EXPECT_EQ(*process.join(), 0);
  EXPECT_EQ(copied, 1) << "variables are copies";
}

TEST(Process, ReportsAnExceptionThatNobodyCatches) {
  const std::string report = stderr_during([] {
    Process process =
        start([] { throw std::runtime_error("what went wrong"); }, {.name = "worker"});
    EXPECT_EQ(*process.join(), 1);
  });

  EXPECT_NE(report.find(", worker ended by an uncaught exception"), std::string::npos) << report;
  EXPECT_NE(report.find("what went wrong"), std::string::npos) << report;
}

TEST(Process, PrintsWhatItWroteOnceAndWhatItsParentWroteOnce) {
  ::testing::internal::CaptureStdout();
  std::printf("parent ");
  Process process = start([] {
    std::printf("child ");
    std::cout << "stream";
  });
  process.join().value_or_throw();

  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "parent child stream");
}

TEST(Process, RunsNoExitHandlersOfItsParent) {
  Queue<int> queue;
  // In a process of its own, so that the handler goes with it.
  os::testing::Child child([&] {
    static Queue<int>& told = queue;
    std::atexit([] { told.put(1); });
    static_cast<void>(start([] {}).join());
    return 0;
  });
  ASSERT_TRUE(child.collect().success());

  EXPECT_TRUE(queue.empty());
}

TEST(Process, IsAliveUntilItEnds) {
  Pipe<int> pipe;
  Process process = start([&] { pipe.second.recv(); });

  EXPECT_TRUE(process.alive());
  EXPECT_EQ(process.exit_code(), std::nullopt);
  EXPECT_EQ(process.join_for(1ms).error(), Error::timed_out);
  pipe.first.send(1);
  EXPECT_EQ(*process.join_for(1h), 0);
  EXPECT_FALSE(process.alive());
}

TEST(Process, IsNotWaitedForByWhoIsAskedToStop) {
  Pipe<int> pipe;
  Process process = start([&] { pipe.second.recv(); });

  EXPECT_EQ(process.join(testing::stopped()).error(), Error::stopped);
  std::jthread waiter = testing::start_sleeper([&](const std::stop_token& token) {
    EXPECT_EQ(process.join(token).error(), Error::stopped);
  });
  testing::stop(waiter);
  pipe.first.send(1);
  EXPECT_EQ(*process.join(std::stop_token()), 0);
  EXPECT_EQ(*process.join(testing::stopped()), 0) << "it has ended";
}

TEST(Process, EndsByASignalWhenTold) {
  Process killed = start([] { be_busy(); });
  Process terminated = start([] { be_busy(); });

  EXPECT_TRUE(killed.kill());
  EXPECT_TRUE(terminated.terminate());

  EXPECT_EQ(*killed.join(), -SIGKILL);
  EXPECT_EQ(*terminated.join(), -SIGTERM);
  EXPECT_EQ(killed.kill().error(), Error::closed);
}

TEST(Process, CanBeWatched) {
  Pipe<int> pipe;
  Process process = start([&] { pipe.second.recv(); });
  const int watched = process.watch().value_or_throw();
  EXPECT_TRUE(os::poll_one(watched, true, false, os::Deadline::at(0)).timed_out);

  pipe.first.send(1);

  EXPECT_TRUE(os::poll_one(watched, true, false, os::Deadline::never()).readable);
  EXPECT_EQ(*process.watch(), watched);
}

TEST(Process, IsWaitedForWhenItIsThrownAway) {
  Queue<int> queue;
  {
    Process process = start([&] { queue.put(1); });
  }
  EXPECT_EQ(queue.size(), 1u);
}

TEST(Process, IsKilledWhenItIsThrownAwayAndADaemon) {
  pid_t pid;
  {
    Process process = start([] { be_busy(); }, {.daemon = true});
    pid = process.pid();
  }
  EXPECT_EQ(os::identify_process(pid).error(), Error::closed);
}

TEST(Process, CanBeMoved) {
  Process process = start([] { return 3; }, {.name = "moved"});
  const int pid = process.pid();

  Process other;
  EXPECT_FALSE(other.valid());
  EXPECT_EQ(other.join().error(), Error::closed);
  other = std::move(process);

  EXPECT_EQ(other.pid(), pid);
  EXPECT_EQ(other.name(), "moved");
  EXPECT_EQ(*other.join(), 3);
}

TEST(Process, CannotBeJoinedByASibling) {
  Pipe<int> pipe;
  Process first = start([&] { pipe.second.recv(); });
  Process second = start([&] {
    return first.join().error() == Error::closed && first.kill().error() == Error::closed ? 0 : 1;
  });

  EXPECT_EQ(*second.join(), 0);
  pipe.first.send(1);
  EXPECT_EQ(*first.join(), 0);
}

TEST(Process, StartsProcessesOfItsOwn) {
  Queue<int> queue;
  Process process = start([&] {
    Process grandchild = start([&] { queue.put(5); });
    return *grandchild.join();
  });

  EXPECT_EQ(queue.get(), 5);
  EXPECT_EQ(*process.join(), 0);
}

TEST(Process, GivesItsMemoryBackWhenItDies) {
  Queue<int> ready;
  memory::reclaim_dead();  // what other tests left
  const std::uint64_t before = memory::take_census().in_use;
  Process process = start([&] {
    const memory::BlockIndex block = memory::allocate_block(10'000'000).value_or_throw();
    ready.put(static_cast<int>(block));
    be_busy();
  });
  ready.get();
  EXPECT_GE(memory::take_census().in_use, before + 10'000'000);

  process.kill().value_or_throw();
  process.join().value_or_throw();

  EXPECT_EQ(memory::take_census().in_use, before);
}

TEST(Process, IsToldApartFromOneCollectedBySomebodyElse) {
  Process process = start([] {});
  os::wait_process(process.pid()).value_or_throw();

  EXPECT_EQ(process.join().error(), Error::closed);
  EXPECT_FALSE(process.alive());
  EXPECT_EQ(process.kill().error(), Error::closed);
}

}  // namespace
}  // namespace onecopy
