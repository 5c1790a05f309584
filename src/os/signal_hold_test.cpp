#include "os/signal_hold.hpp"

#include <csignal>

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

TEST(SignalHold, KeepsASignalWaiting) {
  const ExitStatus status = testing::run_in_child([] {
    if (!hold_signal(SIGINT)) return 1;
    if (hold_signal(SIGINT)) return 2;
    raise(SIGINT);
    let_signal_in(SIGINT);
    return 3;
  });
  EXPECT_EQ(status.signal, SIGINT);
}

TEST(SignalHold, IsAForkedChildsTooButNotWhatWaits) {
  const ExitStatus status = testing::run_in_child([] {
    hold_signal(SIGINT);
    raise(SIGINT);
    const ExitStatus unharmed = testing::run_in_child([] {
      let_signal_in(SIGINT);
      return 5;
    });
    if (unharmed.code != 5) return 1;
    const ExitStatus struck = testing::run_in_child([] {
      raise(SIGINT);
      let_signal_in(SIGINT);
      return 5;
    });
    return struck.signal == SIGINT ? 0 : 2;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

}  // namespace
}  // namespace onecopy::os
