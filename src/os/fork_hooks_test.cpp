#include "os/fork_hooks.hpp"

#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

// What the hooks of this process have been called for, in order.
std::string& calls() {
  static std::string text;
  return text;
}

void register_two() {
  register_fork_hooks([] { calls() += "a"; }, [] { calls() += "b"; }, [] { calls() += "c"; });
  register_fork_hooks([] { calls() += "A"; }, [] { calls() += "B"; }, [] { calls() += "C"; });
}

// Forks as a C library would; what the child's hooks have been called for ends up in its exit code.
int fork_and_compare(const std::string& expected_in_child) {
  const pid_t child = ::fork();
  if (child == 0) exit_now(calls() == expected_in_child ? 0 : 1);
  return wait_process(child).value().as_exit_code();
}

TEST(ForkHooks, RunYoungestFirstBeforeAndOldestFirstAfter) {
  const auto status = testing::run_in_child([] {
    register_two();
    if (fork_and_compare("AacC") != 0) return 1;
    return calls() == "AabB" ? 0 : 2;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(ForkHooks, AreRegisteredOnce) {
  const auto status = testing::run_in_child([] {
    constexpr auto kPrepare = [] { calls() += "p"; };
    register_fork_hooks(kPrepare, nullptr, nullptr);
    register_fork_hooks(kPrepare, nullptr, nullptr);
    return fork_and_compare("p");
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(ForkHooks, RunInEveryGeneration) {
  const auto status = testing::run_in_child([] {
    register_fork_hooks(nullptr, nullptr, [] { calls() += "c"; });
    return testing::run_in_child([] { return fork_and_compare("cc"); }).as_exit_code();
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(ForkHooks, CanBeRegisteredInAChildWhoseParentWasRegistering) {
  const auto status = testing::run_in_child([] {
    register_two();
    std::atomic<bool> done{false};
    std::thread other([&] {
      // Read again by nobody; it only ends the loop.
      while (!done.load(std::memory_order_relaxed)) register_two();
    });
    int failures = 0;
    for (int i = 0; i < 200; ++i) {
      failures += testing::run_in_child([] {
                    register_fork_hooks(nullptr, nullptr, [] {});
                    return 0;
                  }).as_exit_code();
    }
    done.store(true, std::memory_order_relaxed);
    other.join();
    return failures;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

}  // namespace
}  // namespace onecopy::os
