// What tests need to play several processes. For tests only.
//
// Functions for a child return a number, 0 when all is well.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <new>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "os/child_process.hpp"
#include "os/system.hpp"
#include "testing/process.hpp"

namespace onecopy::os::testing {

// A forked process that runs `body` and exits with what it returns. Killed, if need be, and
// collected at the end.
class Child {
 public:
  template <class Body>
  explicit Child(Body&& body) : pid_(onecopy::testing::start_process(std::forward<Body>(body))) {}
  ~Child() {
    if (collected_) return;
    kill();
    collect();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void kill() { EXPECT_TRUE(send_signal(pid_, SIGKILL)); }
  ExitStatus collect() {
    collected_ = true;
    for (;;) {
      const auto status = wait_process(pid_);
      if (status.error() != Error::interrupted) return *status;
    }
  }
  // Sends the signal again and again until the child ends: one may come before the call that it
  // is to interrupt.
  ExitStatus signal_until_end(int signal) {
    for (;;) {
      EXPECT_TRUE(send_signal(pid_, signal));
      const auto status = wait_process(pid_, Deadline::after(kMillisecond));
      if (!status) continue;
      collected_ = true;
      return *status;
    }
  }

 private:
  pid_t pid_;
  bool collected_ = false;
};

// While it lives, SIGUSR1 interrupts system calls and does nothing else, in children forked
// meanwhile too.
class InterruptingSignal {
 public:
  InterruptingSignal() {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, &before_);
  }
  ~InterruptingSignal() { sigaction(SIGUSR1, &before_, nullptr); }
  InterruptingSignal(const InterruptingSignal&) = delete;
  InterruptingSignal& operator=(const InterruptingSignal&) = delete;

 private:
  struct sigaction before_;
};

// Runs `body` in a child; how it ended.
template <class Body>
ExitStatus run_in_child(Body&& body) {
  return Child(std::forward<Body>(body)).collect();
}

// Returns once that process, or that thread, sleeps in the kernel. It may wake again at the end of
// what it waits for: of what is done next it is certain only that somebody slept before.
inline void wait_until_asleep(pid_t id) {
  const std::string path = "/proc/" + std::to_string(id) + "/stat";
  for (;;) {
    std::ifstream file(path);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) {
      ADD_FAILURE() << path << " cannot be read: it has ended";
      return;
    }
    if (text.compare(name_end, 3, ") S") == 0) return;
  }
}

// Zeroed memory that this process shares with the children it forks.
template <class T>
class Shared {
 public:
  Shared()
      : value_(new(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                        0)) T{}) {}
  ~Shared() { munmap(value_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  T* get() { return value_; }
  T* operator->() { return value_; }
  T& operator*() { return *value_; }

 private:
  T* value_;
};

// From now on these system calls of this process and its children fail with `reason`, as under a
// container's profile. There is no way back: call it in a child. False where filters are denied.
inline bool deny_system_calls(std::initializer_list<long> numbers, int reason) {
  sock_filter program[64];
  unsigned short length = 0;
  program[length++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (const long number : numbers) {
    program[length++] =
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1);
    program[length++] =
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(reason));
  }
  program[length++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog filter{length, program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace onecopy::os::testing
