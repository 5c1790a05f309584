#include "os/process_identity.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cpu.hpp"
#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;
using testing::Shared;

int sleep_for_ever() {
  for (;;) sleep_until(Deadline::never());
}

// Returns once the child is a zombie, and leaves it one.
void wait_until_zombie(pid_t pid) {
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
}

// A new process that sleeps, with a pid that is free. -1 where that is not allowed.
pid_t start_with_pid(pid_t wanted) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&wanted);
  arguments.set_tid_size = 1;
  const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid == 0) sleep_for_ever();
  return pid;
}

// The ways in which a process may be hindered from asking. Each is tried for every question.
enum class Hindered {
  by_nothing,
  by_eperm,           // pidfd_open answers EPERM, as in old container profiles.
  by_enosys,          // As in kernels before 5.3.
  by_no_proc,         // pidfd works, /proc cannot be read.
  by_no_descriptors,  // RLIMIT_NOFILE.
  by_everything,      // Neither pidfd nor /proc.
};

bool hinder(Hindered how) {
  switch (how) {
    case Hindered::by_nothing:
      return true;
    case Hindered::by_eperm:
      return testing::deny_system_calls({SYS_pidfd_open}, EPERM);
    case Hindered::by_enosys:
      return testing::deny_system_calls({SYS_pidfd_open}, ENOSYS);
    case Hindered::by_no_proc:
      return testing::deny_system_calls({SYS_open, SYS_openat, SYS_readlink, SYS_readlinkat},
                                        ENOENT);
    case Hindered::by_no_descriptors: {
      const rlimit none{0, 0};
      return setrlimit(RLIMIT_NOFILE, &none) == 0;
    }
    case Hindered::by_everything:
      return hinder(Hindered::by_eperm) && hinder(Hindered::by_no_proc);
  }
  return false;
}

constexpr int kCannotHinder = 100;

// What a hindered process answers: 1 alive, 0 dead.
int ask(Hindered how, const ProcessIdentity& identity) {
  return testing::run_in_child([&] {
           if (!hinder(how)) return kCannotHinder;
           return is_alive(identity) ? 1 : 0;
         })
      .as_exit_code();
}

class IsAlive : public ::testing::TestWithParam<Hindered> {};

INSTANTIATE_TEST_SUITE_P(, IsAlive,
                         ::testing::Values(Hindered::by_nothing, Hindered::by_eperm,
                                           Hindered::by_enosys, Hindered::by_no_proc,
                                           Hindered::by_no_descriptors, Hindered::by_everything),
                         [](const auto& info) -> std::string {
                           switch (info.param) {
                             case Hindered::by_nothing:
                               return "Unhindered";
                             case Hindered::by_eperm:
                               return "PidfdEperm";
                             case Hindered::by_enosys:
                               return "PidfdEnosys";
                             case Hindered::by_no_proc:
                               return "NoProc";
                             case Hindered::by_no_descriptors:
                               return "NoDescriptors";
                             case Hindered::by_everything:
                               return "NoPidfdNoProc";
                           }
                           return "";
                         });

TEST_P(IsAlive, SaysYesForTheLiving) {
  EXPECT_EQ(ask(GetParam(), identify_self()), 1);
  Child child(sleep_for_ever);
  EXPECT_EQ(ask(GetParam(), identify_process(child.pid()).value()), 1);
}

TEST_P(IsAlive, SaysYesForOneself) {
  const auto status = testing::run_in_child([] {
    const ProcessIdentity self = identify_self();
    if (!hinder(GetParam())) return kCannotHinder;
    return is_alive(self) ? 1 : 0;
  });
  EXPECT_EQ(status.as_exit_code(), 1);
}

TEST_P(IsAlive, SaysNoForTheCollected) {
  Child child(sleep_for_ever);
  const ProcessIdentity identity = identify_process(child.pid()).value();
  child.kill();
  child.collect();
  EXPECT_EQ(ask(GetParam(), identity), 0);
}

TEST_P(IsAlive, SaysNoForAZombie) {
  Child child(sleep_for_ever);
  const ProcessIdentity identity = identify_process(child.pid()).value();
  child.kill();
  wait_until_zombie(child.pid());
  // Where neither a pidfd nor /proc can be asked a zombie looks alive: in doubt alive.
  EXPECT_EQ(ask(GetParam(), identity), GetParam() == Hindered::by_everything ? 1 : 0);
}

TEST_P(IsAlive, SaysYesWhenOnlyTheFirstThreadHasEnded) {
  Shared<std::atomic<int>> running;
  Child child([&] {
    std::thread([&] {
      running->store(1, std::memory_order_release);  // Acquired by the parent.
      sleep_for_ever();
    }).detach();
    return static_cast<int>(syscall(SYS_exit, 0));
  });
  const ProcessIdentity identity = identify_process(child.pid()).value();
  while (running->load(std::memory_order_acquire) == 0) yield_thread();
  // The first thread's end is when its program file is gone.
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/exe", child.pid());
  char link[1];
  while (readlink(path, link, sizeof link) >= 0) yield_thread();

  EXPECT_EQ(ask(GetParam(), identity), 1);

  child.kill();
  wait_until_zombie(child.pid());
  EXPECT_EQ(ask(GetParam(), identity), GetParam() == Hindered::by_everything ? 1 : 0);
}

// What is answered for a process that is gone while another has its pid: where nothing but the pid
// can be asked the answer is in doubt, and alive.
bool answer_for_another(Hindered how, const ProcessIdentity& identity) {
  return how == Hindered::by_everything || how == Hindered::by_no_descriptors ||
         (how == Hindered::by_no_proc && identity.pidfd_inode == 0);
}

TEST_P(IsAlive, SaysNoWhenAnotherProcessGotThePid) {
  ProcessIdentity identity;
  pid_t other = -1;
  {
    Child child(sleep_for_ever);
    identity = identify_process(child.pid()).value();
    child.kill();
    child.collect();
    // The start time alone tells them apart from the next clock tick on.
    const Deadline tick = Deadline::after(kSecond / sysconf(_SC_CLK_TCK) + kMillisecond);
    while (!sleep_until(tick)) {
    }
    other = start_with_pid(child.pid());
  }
  if (other < 0) {
    // Without the privilege to choose a pid (or where somebody took it first), ask for a process
    // that exists by an identity of another one with its pid: the same situation, seen from here.
    EXPECT_TRUE(errno == EPERM || errno == ENOSYS || errno == EEXIST) << std::strerror(errno);
    Child child(sleep_for_ever);
    const ProcessIdentity present = identify_process(child.pid()).value();
    identity = present;
    identity.start_time -= 1;
    identity.pidfd_inode -= present.pidfd_inode == 0 ? 0 : 1;
    EXPECT_EQ(ask(GetParam(), identity), answer_for_another(GetParam(), present) ? 1 : 0);
    return;
  }
  EXPECT_EQ(ask(GetParam(), identity), answer_for_another(GetParam(), identity) ? 1 : 0);
  EXPECT_TRUE(is_alive(identify_process(other).value()));
  EXPECT_TRUE(send_signal(other, SIGKILL));
  EXPECT_TRUE(wait_process(other));
}

TEST(IsAliveWithoutInode, UsesTheStartTimeBesideAPidfd) {
  Child child(sleep_for_ever);
  ProcessIdentity identity = identify_process(child.pid()).value();
  identity.pidfd_inode = 0;
  EXPECT_TRUE(is_alive(identity));
  identity.start_time += 1;
  EXPECT_FALSE(is_alive(identity));
  identity.start_time = 0;
  EXPECT_TRUE(is_alive(identity));
}

TEST(IsAliveForThreads, SaysNoForAPidThatIsOnlyAThreadNow) {
  std::atomic<pid_t> thread{0};
  std::atomic<bool> done{false};
  std::thread other([&] {
    thread.store(gettid(), std::memory_order_release);  // Acquired below.
    while (!done.load(std::memory_order_acquire)) yield_thread();
  });
  while (thread.load(std::memory_order_acquire) == 0) yield_thread();
  ProcessIdentity identity = identify_self();
  identity.pid = thread.load(std::memory_order_relaxed);
  identity.start_time -= 1;
  EXPECT_FALSE(is_alive(identity));
  done.store(true, std::memory_order_release);  // Acquired by the thread.
  other.join();
}

TEST(IsAliveForNobody, SaysNo) {
  EXPECT_FALSE(is_alive(ProcessIdentity{}));
  EXPECT_FALSE(is_alive(ProcessIdentity{-1, 0, 0, 0}));
}

TEST(IsAliveForStrangers, SaysYesThoughTheyMayNotBeSignalled) {
  const ProcessIdentity init = identify_process(1).value();
  const auto status = testing::run_in_child([&] {
    const bool drops = user_id() == 0;
    if (drops && setuid(65'534) != 0) return 2;
    return is_alive(init) ? 0 : 1;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(IsAliveErrno, IsLeftAlone) {
  errno = ENOSPC;
  EXPECT_FALSE(is_alive(ProcessIdentity{0x3fffffff, 0, 1, 1}));
  EXPECT_EQ(errno, ENOSPC);
}

TEST(IdentifySelf, IsTheSameSeenFromOutside) {
  Shared<ProcessIdentity> inside;
  Shared<std::atomic<int>> ready;
  Child child([&] {
    *inside = identify_self();
    ready->store(1, std::memory_order_release);  // Acquired by the parent.
    return sleep_for_ever();
  });
  while (ready->load(std::memory_order_acquire) == 0) yield_thread();
  const ProcessIdentity outside = identify_process(child.pid()).value();
  EXPECT_EQ(*inside, outside);
  EXPECT_EQ(outside.pid, child.pid());
  EXPECT_EQ(outside.reserved, 0u);
  EXPECT_NE(outside.start_time, 0u);
  EXPECT_EQ(identify_self().pid, process_id());
  EXPECT_NE(identify_self(), outside);
}

TEST(IdentifySelf, StaysTheSameThroughTheLifeOfAProcess) {
  const ProcessIdentity before = identify_self();
  std::thread([&] { EXPECT_EQ(identify_self(), before); }).join();
  EXPECT_EQ(identify_self(), before);
}

TEST(IdentifySelf, SurvivesANameMadeToConfuse) {
  const ProcessIdentity before = identify_self();
  const auto status = testing::run_in_child([] {
    const ProcessIdentity plain = identify_self();
    if (prctl(PR_SET_NAME, ") Z 1 (2) 3") != 0) return 1;
    return identify_self() == plain && is_alive(plain) ? 0 : 2;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
  EXPECT_EQ(identify_self(), before);
}

TEST(IdentifySelf, GivesWhatItCanWhenHindered) {
  const auto status = testing::run_in_child([] {
    const ProcessIdentity full = identify_self();
    if (!hinder(Hindered::by_eperm)) return kCannotHinder;
    const ProcessIdentity without_pidfd = identify_self();
    if (without_pidfd.start_time != full.start_time || without_pidfd.pidfd_inode != 0) return 1;
    if (!hinder(Hindered::by_no_proc)) return kCannotHinder;
    const ProcessIdentity bare = identify_self();
    if (bare.pid != process_id() || bare.start_time != 0 || bare.pidfd_inode != 0) return 2;
    return is_alive(bare) && is_alive(without_pidfd) && is_alive(full) ? 0 : 3;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(IdentifyProcess, FindsNobody) {
  Child child(sleep_for_ever);
  child.kill();
  child.collect();
  EXPECT_EQ(identify_process(child.pid()).error(), Error::closed);
  EXPECT_EQ(identify_process(0).error(), Error::invalid);
  const auto status = testing::run_in_child([&] {
    if (!hinder(Hindered::by_eperm)) return kCannotHinder;
    return identify_process(child.pid()).error() == Error::closed ? 0 : 1;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(IdentifyProcess, StillNamesAZombie) {
  Child child(sleep_for_ever);
  const ProcessIdentity alive = identify_process(child.pid()).value();
  child.kill();
  wait_until_zombie(child.pid());
  EXPECT_EQ(identify_process(child.pid()).value(), alive);
}

TEST(OpenPidfd, BecomesReadableAtTheEnd) {
  Child child(sleep_for_ever);
  const Descriptor pidfd = open_pidfd(child.pid()).value();
  EXPECT_TRUE(poll_one(pidfd.get(), true, false, Deadline::at(0)).timed_out);
  child.kill();
  EXPECT_TRUE(poll_one(pidfd.get(), true, false, Deadline::never()).readable);
}

TEST(OpenPidfd, SaysWhyNot) {
  Child child(sleep_for_ever);
  for (const Hindered how : {Hindered::by_eperm, Hindered::by_enosys}) {
    const auto status = testing::run_in_child([&] {
      if (!hinder(how)) return kCannotHinder;
      return open_pidfd(child.pid()).error() == Error::permission ? 0 : 1;
    });
    EXPECT_EQ(status.as_exit_code(), 0);
  }
  child.kill();
  child.collect();
  EXPECT_EQ(open_pidfd(child.pid()).error(), Error::closed);
}

TEST(SendSignal, ReachesExactlyTheProcessThatIsMeant) {
  Child child(sleep_for_ever);
  const ProcessIdentity identity = identify_process(child.pid()).value();
  ProcessIdentity another = identity;
  another.start_time += 1;
  another.pidfd_inode += another.pidfd_inode == 0 ? 0 : 1;
  EXPECT_EQ(send_signal(another, SIGKILL).error(), Error::closed);
  EXPECT_TRUE(send_signal(identity, 0));
  EXPECT_TRUE(is_alive(identity));
  EXPECT_TRUE(send_signal(identity, SIGTERM));
  EXPECT_EQ(child.collect().signal, SIGTERM);
  EXPECT_EQ(send_signal(identity, SIGKILL).error(), Error::closed);
  EXPECT_EQ(send_signal(ProcessIdentity{}, SIGKILL).error(), Error::closed);
}

TEST(SendSignal, WorksWhereProcessDescriptorsAreDenied) {
  for (const long denied : {SYS_pidfd_open, SYS_pidfd_send_signal}) {
    Child child(sleep_for_ever);
    const ProcessIdentity identity = identify_process(child.pid()).value();
    const auto status = testing::run_in_child([&] {
      if (!testing::deny_system_calls({denied}, EPERM)) return kCannotHinder;
      ProcessIdentity another = identity;
      another.start_time += 1;
      another.pidfd_inode += another.pidfd_inode == 0 ? 0 : 1;
      if (send_signal(another, SIGKILL).error() != Error::closed) return 1;
      return send_signal(identity, SIGTERM) ? 0 : 2;
    });
    EXPECT_EQ(status.as_exit_code(), 0);
    EXPECT_EQ(child.collect().signal, SIGTERM);
  }
}

}  // namespace
}  // namespace onecopy::os
