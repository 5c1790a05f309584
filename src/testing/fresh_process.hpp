// Tests of what a whole process has once: its family, its limits, its environment. For tests only.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "memory/family.hpp"
#include "os/child_process.hpp"

namespace onecopy::testing {

// A forked process that runs `body` and ends when this one does. Its failed expectations are told
// as they happen and make it exit with 1.
template <class Body>
pid_t start_process(Body&& body) {
  std::fflush(stdout);
  const pid_t parent = getpid();
  const pid_t child = fork();
  // Not to be handed on: a signal to process -1 goes to everybody.
  if (child < 0) std::abort();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  std::forward<Body>(body)();
  std::fflush(stdout);
  _exit(::testing::Test::HasFailure() ? 1 : 0);
}

// Waits for a child and answers whether it ended by itself and with 0.
inline bool ended_well(pid_t child) {
  const auto status = os::wait_process(child);
  return status && status->success();
}

// Kills a child and collects it.
inline void kill_process(pid_t child) {
  kill(child, SIGKILL);
  EXPECT_TRUE(os::wait_process(child));
}

// Runs `body` in a process that is in no family yet.
template <class Body>
void in_fresh_process(Body&& body) {
  ASSERT_FALSE(memory::in_family()) << "the whole file must use fresh processes only";
  EXPECT_TRUE(ended_well(start_process(std::forward<Body>(body)))) << "see above";
}

}  // namespace onecopy::testing
