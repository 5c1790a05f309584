// Processes that begin afresh. This program is what they run, so it has a main() of its own.
#include <onecopy/spawn.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <onecopy/names.hpp>
#include <onecopy/nd_view.hpp>
#include <onecopy/queue.hpp>

#include "memory/census.hpp"
#include "memory/reclaim.hpp"
#include "memory/validate.hpp"
#include "os/cpu.hpp"
#include "os/descriptor.hpp"
#include "os/process_identity.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy {
namespace {

using onecopy::testing::in_fresh_process;

int code_of(Result<Process> started) {
  EXPECT_TRUE(started) << started.failure().text();
  return started ? started->join().value_or_throw() : -1000;
}

int add(int a, int b) { return a + b; }
int length(const std::string& text) { return static_cast<int>(text.size()); }
int sum(std::span<const double> numbers) {
  return static_cast<int>(std::accumulate(numbers.begin(), numbers.end(), 0.0));
}
int extents(const NdView<std::int32_t, 2>& view) {
  return static_cast<int>(view.shape()[0] * 10 + view.shape()[1]);
}
void nothing() {}
[[noreturn]] int fail() { throw std::runtime_error("it failed"); }

int global = 1;

TEST(Spawn, CallsAFunctionWithCopiesOfItsArguments) {
  in_fresh_process([] {
    EXPECT_EQ(code_of(spawn(add, 3, 4)), 7);
    EXPECT_EQ(code_of(spawn(length, "some text")), 9);
    EXPECT_EQ(code_of(spawn(nothing)), 0);
    EXPECT_EQ(code_of(spawn([](std::uint8_t a, std::vector<int> b) { return a + b.at(1); },
                            std::uint8_t{200}, std::vector{1, 20})),
              220);
  });
}

TEST(Spawn, SendsLargeArgumentsInBlocksThatAreFreeAfterwards) {
  in_fresh_process([] {
    EXPECT_EQ(code_of(spawn(sum, std::vector<double>(100'000, 0.002))), 200);
    EXPECT_EQ(code_of(spawn(extents, NdView<std::int32_t, 2>::zeros({7, 3}))), 73);
    memory::reclaim_dead();
    EXPECT_EQ(memory::take_census().blocks_in_use, 0u);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

TEST(Spawn, BeginsAfresh) {
  in_fresh_process([] {
    global = 5;
    EXPECT_EQ(code_of(spawn([] { return global; })), 1);
    EXPECT_EQ(code_of(spawn([] { return std::getenv("ONECOPY_CALL") == nullptr ? 0 : 1; })), 0);
  });
}

TEST(Spawn, FindsCodeInLibraries) {
  in_fresh_process([] {
    const auto absolute = static_cast<int (*)(int)>(std::abs);
    EXPECT_EQ(code_of(spawn(absolute, -5)), 5);
  });
}

TEST(Spawn, MakesMembersOfTheFamily) {
  in_fresh_process([] {
    Queue<std::string> answers;
    ASSERT_TRUE(publish("answers", answers));
    const auto answer = [](const std::string& text) {
      find<Queue<std::string>>("answers").value_or_throw().put(text + "!");
    };
    auto child = spawn(ProcessOptions{.name = "answerer"}, answer, "heard").value_or_throw();
    EXPECT_EQ(answers.get(), "heard!");
    EXPECT_EQ(child.join().value_or_throw(), 0);
    EXPECT_EQ(child.name(), "answerer");
  });
}

TEST(Spawn, MaySpawnFurther) {
  in_fresh_process(
      [] { EXPECT_EQ(code_of(spawn([] { return code_of(spawn(add, 20, 1)) + 1; })), 22); });
}

TEST(Spawn, ReportsAnExceptionThatNobodyCatches) {
  in_fresh_process([] {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(code_of(spawn(ProcessOptions{.name = "failing"}, fail)), 1);
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find(", failing ended by an uncaught exception: it failed"), std::string::npos)
        << told;
  });
}

TEST(Spawn, OfNoFunctionIsAnError) {
  in_fresh_process([] {
    int (*none)(int, int) = nullptr;
    EXPECT_EQ(spawn(none, 1, 2).error(), Error::invalid);
  });
}

TEST(Spawn, ThatFailsGivesBackWhatWasMovedIntoIt) {
  in_fresh_process([] {
    auto view = NdView<std::int32_t, 2>::zeros({70, 300});
    view(0, 0) = 5;
    const auto free = static_cast<rlim_t>(os::event_descriptor().value().get());
    const rlimit limit{free, free};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(spawn(extents, std::move(view)).error(), Error::too_many);
    EXPECT_EQ(view(0, 0), 5);  // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

// Whoever forked meanwhile had the pipe open over which the child reports that it cannot run.
TEST(Spawn, DoesNotWaitForWhomOthersForkMeanwhile) {
  in_fresh_process([] {
    std::atomic<bool> over{false};
    std::vector<pid_t> forked;
    std::jthread forking([&] {
      while (!over && forked.size() < 500) {  // of the family's 1,024 places
        const pid_t child = fork();
        if (child == 0) {
          for (;;) pause();
        }
        forked.push_back(child);
        std::this_thread::sleep_for(std::chrono::microseconds(300));
      }
    });
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(spawn(ProcessOptions{.daemon = true}, nothing));
    over = true;
    forking.join();
    for (const pid_t child : forked) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  });
}

TEST(Spawn, OfACallThatNoParentWroteEndsTheProcess) {
  in_fresh_process([] {
    setenv("ONECOPY_CALL", "five", 1);
    ::testing::internal::CaptureStderr();
    const pid_t child = onecopy::testing::start_process([] { run_spawned(); });
    EXPECT_FALSE(onecopy::testing::ended_well(child));
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("ONECOPY_CALL is 'five'"), std::string::npos) << told;
  });
}

TEST(Spawn, OfADaemonEndsWithItsParent) {
  os::testing::Shared<std::atomic<int>> pid;
  os::testing::Child parent([&] {
    Queue<int> here;
    EXPECT_TRUE(publish("here", here));
    const auto run = [] {
      find<Queue<int>>("here").value_or_throw().put(1);
      volatile unsigned long rounds = 0;
      for (;;) rounds = rounds + 1;
    };
    auto child = spawn(ProcessOptions{.daemon = true}, run).value_or_throw();
    here.get();
    pid->store(child.pid(), std::memory_order_release);
    for (;;) pause();
  });
  while (pid->load(std::memory_order_acquire) == 0) os::yield_thread();
  const auto watched = os::open_pidfd(pid->load(std::memory_order_acquire));
  ASSERT_TRUE(watched) << watched.failure().text();

  parent.kill();

  EXPECT_TRUE(os::poll_one(watched->get(), true, false, os::Deadline::never()).readable);
  EXPECT_EQ(parent.collect().signal, SIGKILL);
}

TEST(Spawn, LeavesNothingOfWhoIsKilledAtAnyMoment) {
  in_fresh_process([] {
    for (int i = 0; i < 40; ++i) {
      auto child = spawn(sum, std::vector<double>(10'000, 0.001)).value_or_throw();
      std::this_thread::sleep_for(std::chrono::microseconds(100 * i));
      static_cast<void>(child.kill());
      static_cast<void>(child.join());
    }
    memory::reclaim_dead();
    EXPECT_EQ(memory::take_census().blocks_in_use, 0u);
    EXPECT_EQ(memory::take_census().members.size(), 1u);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

}  // namespace
}  // namespace onecopy

int main(int count, char** arguments) {
  onecopy::run_spawned();
  ::testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}
