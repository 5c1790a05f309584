// Processes that a test starts: every one of them by start_process(). For tests only.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "os/child_process.hpp"

namespace onecopy::testing {

// A forked process that runs `body` and ends when this one does. Its failed expectations are told
// as they happen. It exits with what the body returns; where that is 0 or nothing, with 1 if an
// expectation failed.
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
  int code = 0;
  if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
    std::forward<Body>(body)();
  } else {
    code = std::forward<Body>(body)();
  }
  std::fflush(stdout);
  _exit(code == 0 && ::testing::Test::HasFailure() ? 1 : code);
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

}  // namespace onecopy::testing
