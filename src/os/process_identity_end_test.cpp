// Waiting for the end of a process that may be anybody's child.
#include <cerrno>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "os/process_identity.hpp"
#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;

int sleep_for_ever() {
  for (;;) sleep_until(Deadline::never());
}

int wait_for_both_ends() {
  Child child(sleep_for_ever);
  const ProcessIdentity process = identify_process(child.pid()).value();
  if (wait_until_dead(process, Deadline::at(0)).error() != Error::timed_out) return 1;
  if (wait_until_dead(process, Deadline::after(kMillisecond)).error() != Error::timed_out) return 2;
  child.kill();
  if (!wait_until_dead(process, Deadline::never())) return 3;  // a zombie
  child.collect();
  return wait_until_dead(process, Deadline::at(0)) ? 0 : 4;
}

TEST(WaitUntilDead, AnswersForAZombieAndForNobody) { EXPECT_EQ(wait_for_both_ends(), 0); }

TEST(WaitUntilDead, DoesWithoutProcessDescriptors) {
  const auto status = testing::run_in_child([] {
    return testing::deny_system_calls({SYS_pidfd_open}, ENOSYS) ? wait_for_both_ends() : 0;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(WaitUntilDead, DoesNotWaitForWhoHasThePidNow) {
  ProcessIdentity process = identify_self();
  ++process.start_time;
  process.pidfd_inode = 0;
  EXPECT_TRUE(wait_until_dead(process, Deadline::never()));
}

TEST(WaitUntilDead, IsInterruptedBySignals) {
  const testing::InterruptingSignal interrupting;
  Child other(sleep_for_ever);
  Child waiting([&] {
    const auto waited = wait_until_dead(identify_process(other.pid()).value(), Deadline::never());
    return waited.error() == Error::interrupted ? 0 : 1;
  });
  EXPECT_EQ(waiting.signal_until_end(SIGUSR1).as_exit_code(), 0);
}

TEST(OpenPidfdOfAnIdentity, IsOfThatProcessOnly) {
  Child child(sleep_for_ever);
  ProcessIdentity process = identify_process(child.pid()).value();
  const auto pidfd = open_pidfd(process);
  ASSERT_TRUE(pidfd) << pidfd.failure().text();
  EXPECT_TRUE(poll_one(pidfd->get(), true, false, Deadline::at(0)).timed_out);
  child.kill();
  EXPECT_TRUE(poll_one(pidfd->get(), true, false, Deadline::never()).readable);
  EXPECT_EQ(open_pidfd(process).error(), Error::closed);
  child.collect();
  EXPECT_EQ(open_pidfd(process).error(), Error::closed);
  EXPECT_EQ(open_pidfd(ProcessIdentity{}).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::os
