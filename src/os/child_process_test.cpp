#include "os/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;

const std::vector<std::string> kEnvironment{"PATH=/usr/bin:/bin"};

// Runs a line of shell whose output is what it writes to the descriptor numbered $out.
struct Output {
  ExitStatus status;
  std::string text;
};
Output run_shell(const std::string& line, std::vector<int> keep = {},
                 std::vector<std::string> environment = kEnvironment) {
  auto [reading, writing] = pipe_pair().value();
  keep.push_back(writing.get());
  environment.push_back("out=" + std::to_string(writing.get()));
  const pid_t pid = start_program("/bin/sh", {"sh", "-c", line}, environment, keep).value();
  writing.reset();
  Output output;
  char part[256];
  while (const std::size_t length = read_some(reading.get(), part, sizeof part).value()) {
    output.text.append(part, length);
  }
  output.status = wait_process(pid).value();
  return output;
}

TEST(ForkProcess, ReturnsOnBothSides) {
  const pid_t parent = process_id();
  const pid_t child = fork_process().value();
  if (child == 0) exit_now(getppid() == parent ? 5 : 6);
  EXPECT_EQ(wait_process(child).value().as_exit_code(), 5);
}

TEST(ForkProcess, TooManyProcessesIsAValue) {
  const auto status = testing::run_in_child([] {
    // Root is not bound by the limit.
    if (user_id() == 0 && setresuid(65'533, 65'533, 65'533) != 0) return 2;
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NPROC, &none);
    const auto child = fork_process();
    if (child && *child == 0) exit_now(0);
    return child.error() == Error::too_many ? 0 : 1;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(WaitProcess, TellsAnExitFromASignal) {
  const ExitStatus exited = testing::run_in_child([] { return 3; });
  EXPECT_EQ(exited.as_exit_code(), 3);
  EXPECT_EQ(exited.signal, 0);
  EXPECT_FALSE(exited.success());
  EXPECT_EQ(exited.as_exit_code(), 3);

  const ExitStatus killed = testing::run_in_child([] { return raise(SIGKILL); });
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_EQ(killed.code, -1);
  EXPECT_EQ(killed.as_exit_code(), -SIGKILL);

  EXPECT_TRUE(testing::run_in_child([] { return 0; }).success());
}

TEST(WaitProcess, DoesNotWaitWhenAskedNotTo) {
  Child child([] {
    for (;;) sleep_until(Deadline::never());
    return 0;
  });
  EXPECT_EQ(wait_process(child.pid(), Deadline::at(0)).error(), Error::timed_out);
  const Deadline soon = Deadline::after(2 * kMillisecond);
  EXPECT_EQ(wait_process(child.pid(), soon).error(), Error::timed_out);
  EXPECT_TRUE(soon.expired());
}

TEST(WaitProcess, CollectsBeforeTheDeadline) {
  const pid_t child = fork_process().value();
  if (child == 0) exit_now(4);
  EXPECT_EQ(wait_process(child, Deadline::after(3'600 * kSecond)).value().as_exit_code(), 4);
}

TEST(WaitProcess, CollectsWhatEndedEvenAfterTheDeadline) {
  const pid_t child = fork_process().value();
  if (child == 0) exit_now(4);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(wait_process(child, Deadline::at(0)).value().as_exit_code(), 4);
}

TEST(WaitProcess, WorksWherePidfdIsDenied) {
  const auto status = testing::run_in_child([] {
    if (!testing::deny_system_calls({SYS_pidfd_open}, EPERM)) return 100;
    const pid_t quick = fork_process().value();
    if (quick == 0) exit_now(4);
    if (wait_process(quick, Deadline::after(3'600 * kSecond)).value().as_exit_code() != 4) return 1;
    Child slow([] {
      for (;;) sleep_until(Deadline::never());
      return 0;
    });
    const Deadline soon = Deadline::after(2 * kMillisecond);
    if (wait_process(slow.pid(), soon).error() != Error::timed_out) return 2;
    return soon.expired() ? 0 : 3;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(WaitProcess, TellsOfASignal) {
  const testing::InterruptingSignal signal;
  for (const Deadline deadline : {Deadline::never(), Deadline::after(3'600 * kSecond)}) {
    for (const bool denied : {false, true}) {
      Child waiter([=] {
        if (denied && !testing::deny_system_calls({SYS_pidfd_open}, ENOSYS)) return 100;
        Child child([] {
          for (;;) sleep_until(Deadline::never());
          return 0;
        });
        return wait_process(child.pid(), deadline).error() == Error::interrupted ? 0 : 1;
      });
      EXPECT_EQ(waiter.signal_until_end(SIGUSR1).as_exit_code(), 0);
    }
  }
}

TEST(WaitProcess, KnowsItsOwnChildrenOnly) {
  EXPECT_EQ(wait_process(1).error(), Error::closed);
  EXPECT_EQ(wait_process(1, Deadline::after(kSecond)).error(), Error::closed);
  EXPECT_EQ(wait_process(-1).error(), Error::invalid);
  EXPECT_EQ(wait_process(0, Deadline::at(0)).error(), Error::invalid);
  const pid_t child = fork_process().value();
  if (child == 0) exit_now(0);
  EXPECT_TRUE(wait_process(child));
  EXPECT_EQ(wait_process(child).error(), Error::closed);
}

TEST(StartProgram, HandsArgumentsAndEnvironmentOn) {
  const Output output =
      run_shell("printf '%s|' \"$0\" \"$WORD\" >&$out; exit 9", {}, {"WORD=a b", "PATH=/bin"});
  EXPECT_EQ(output.text, "sh|a b|");
  EXPECT_EQ(output.status.as_exit_code(), 9);
}

TEST(StartProgram, KeepsNamedDescriptorsAndNoOthers) {
  const Descriptor kept = event_descriptor().value();
  const Descriptor closed = event_descriptor().value();
  ASSERT_TRUE(set_inheritable(closed.get(), true));
  const std::string test = "for fd in " + std::to_string(kept.get()) + " " +
                           std::to_string(closed.get()) +
                           "; do [ -e /proc/self/fd/$fd ] && echo $fd >&$out; done; exit 0";
  EXPECT_EQ(run_shell(test, {kept.get()}).text, std::to_string(kept.get()) + "\n");
  // Here nothing has changed.
  EXPECT_NE(fcntl(kept.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(StartProgram, ClosesOneByOneWhereRangesAreDenied) {
  const auto status = testing::run_in_child([] {
    const Descriptor leaky = event_descriptor().value();
    if (!set_inheritable(leaky.get(), true)) return 1;
    if (!testing::deny_system_calls({SYS_close_range}, ENOSYS)) return 100;
    const std::string test =
        "[ -e /proc/self/fd/" + std::to_string(leaky.get()) + " ] && echo open >&$out; exit 0";
    const Output output = run_shell(test);
    return output.text.empty() && output.status.success() ? 0 : 2;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(StartProgram, InheritsTheMaskAndDropsHandlers) {
  const auto status = testing::run_in_child([] {
    const testing::InterruptingSignal handled;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    signal(SIGHUP, SIG_IGN);
    const Output output = run_shell(
        "while read key value; do case $key in Sig[BIC]*) "
        "echo $key $value >&$out;; esac; done </proc/self/status");
    const auto bit = [&](const std::string& key, int signal) {
      const std::size_t at = output.text.find(key) + key.size();
      return (std::stoull(output.text.substr(at, 16), nullptr, 16) >> (signal - 1)) & 1;
    };
    if (bit("SigBlk: ", SIGUSR2) != 1 || bit("SigBlk: ", SIGTERM) != 0) return 1;
    if (bit("SigIgn: ", SIGHUP) != 1 || bit("SigIgn: ", SIGUSR1) != 0) return 2;
    return bit("SigCgt: ", SIGUSR1) == 0 ? 0 : 3;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(StartProgram, SaysWhyAProgramCannotStart) {
  EXPECT_EQ(start_program("/nowhere/program", {"program"}, {}, {}).error(), Error::invalid);
  EXPECT_EQ(start_program("/", {"program"}, {}, {}).error(), Error::permission);
  const auto failure = start_program("/nowhere/program", {"program"}, {}, {}).failure();
  EXPECT_NE(failure.message.find("/nowhere/program"), std::string::npos);
  EXPECT_EQ(failure.system_errno, ENOENT);
  EXPECT_EQ(start_program("/bin/sh", {"sh"}, {}, std::array{1 << 20}).error(), Error::closed);
}

TEST(StartProgram, LeavesNoZombieWhenItFails) {
  const auto status = testing::run_in_child([] {
    if (start_program("/nowhere/program", {"program"}, {}, {})) return 1;
    return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 0 : 2;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

}  // namespace
}  // namespace onecopy::os
