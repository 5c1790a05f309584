#include "os/system.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

TEST(System, KnowsWhoThisProcessIsInAChildToo) {
  EXPECT_EQ(process_id(), getpid());
  EXPECT_EQ(user_id(), getuid());
  const pid_t parent = process_id();
  const auto status = testing::run_in_child(
      [=] { return process_id() != parent && process_id() == getpid() ? 0 : 1; });
  EXPECT_TRUE(status.success());
}

TEST(System, CountsThreads) {
  EXPECT_EQ(thread_count(), 1u);
  std::promise<void> done;
  const auto wait = [ended = done.get_future().share()] { ended.wait(); };
  // ThreadSanitizer starts one of its own with the first.
  std::thread first(wait);
  const std::size_t with_first = thread_count();
  EXPECT_GE(with_first, 2u);
  std::thread second(wait);
  EXPECT_EQ(thread_count(), with_first + 1);
  done.set_value();
  first.join();
  second.join();
}

TEST(System, KnowsWhetherCrashesAreHandled) {
  const auto status = testing::run_in_child([] {
    for (const int number : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL}) signal(number, SIG_DFL);
    if (handles_crashes()) return 1;
    signal(SIGBUS, SIG_IGN);
    if (handles_crashes()) return 2;
    signal(SIGILL, [](int) {});
    return handles_crashes() ? 0 : 3;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(System, ExitsWithoutCleaningUp) {
  const auto status = testing::run_in_child([] {
    std::atexit([] { _exit(1); });
    exit_now(7);
    return 2;
  });
  EXPECT_EQ(status.as_exit_code(), 7);
}

TEST(System, KillsItself) {
  const auto status = testing::run_in_child([]() -> int { kill_self(); });
  EXPECT_EQ(status.signal, SIGKILL);
}

TEST(System, SendsSignals) {
  testing::Child child([] {
    for (;;) sleep_until(Deadline::never());
    return 0;
  });
  EXPECT_TRUE(send_signal(child.pid(), 0));
  EXPECT_EQ(send_signal(child.pid(), 12'345).error(), Error::invalid);
  EXPECT_TRUE(send_signal(child.pid(), SIGTERM));
  EXPECT_EQ(child.collect().signal, SIGTERM);
  EXPECT_EQ(send_signal(child.pid(), 0).error(), Error::closed);
}

TEST(System, SortsTheSystemsReasons) {
  EXPECT_EQ(error_of(0), Error::none);
  EXPECT_EQ(error_of(ENOMEM), Error::no_memory);
  EXPECT_EQ(error_of(ENOSPC), Error::no_memory);
  EXPECT_EQ(error_of(EMFILE), Error::too_many);
  EXPECT_EQ(error_of(EINTR), Error::interrupted);
  EXPECT_EQ(error_of(ETIMEDOUT), Error::timed_out);
  EXPECT_EQ(error_of(EPIPE), Error::broken_pipe);
  EXPECT_EQ(error_of(EPERM), Error::permission);
  EXPECT_EQ(error_of(EBADF), Error::closed);
  EXPECT_EQ(error_of(EINVAL), Error::invalid);
  EXPECT_EQ(error_of(EIO), Error::system);
}

TEST(System, PutsWhatFailedBeforeTheReason) {
  const Failure failure = system_failure(ENOSPC, "cannot write");
  EXPECT_EQ(failure.code, Error::no_memory);
  EXPECT_EQ(failure.system_errno, ENOSPC);
  EXPECT_EQ(failure.text(), "cannot write: No space left on device");
}

}  // namespace
}  // namespace onecopy::os
