// A process that goes on one instruction at a time. For tests only; x86-64.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/process.hpp"

namespace onecopy::testing {

// Traced by the thread that made it, which alone may use it. It stands still unless a function here
// says otherwise, and is killed in the end.
class SteppedProcess {
 public:
  using Address = unsigned long;

  // A forked child that stands before the first instruction of `operation`, and ends with it.
  template <class Operation>
  explicit SteppedProcess(Operation&& operation) {
    pid_ = start_process([&] {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
      raise(SIGSTOP);
      operation();
      raise(kEnd);
    });
    EXPECT_EQ(wait_for_stop(), SIGSTOP) << "the child cannot be traced";
  }
  // A process that is traced by this thread and stands still already.
  static SteppedProcess take_over(pid_t stopped) { return SteppedProcess(stopped); }
  ~SteppedProcess() { collect(); }
  SteppedProcess(SteppedProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), repeats_(other.repeats_) {}
  SteppedProcess& operator=(SteppedProcess&&) = delete;

  pid_t pid() const { return pid_; }

  // The instruction before which it stands.
  Address instruction() const {
    return static_cast<Address>(
        ptrace(PTRACE_PEEKUSER, pid_, offsetof(user_regs_struct, rip), nullptr));
  }
  // The same for a person with addr2line.
  std::string place() const {
    const Address address = instruction();
    std::ostringstream text;
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(address), &info) == 0) {
      text << "0x" << std::hex << address;
      return text.str();
    }
    text << info.dli_fname << "+0x" << std::hex
         << address - reinterpret_cast<Address>(info.dli_fbase);
    if (info.dli_sname != nullptr) text << " (" << info.dli_sname << ")";
    return text.str();
  }

  // One instruction more; false once the operation is over. One that repeats itself (copying by the
  // byte) counts as two: once begun, and done.
  bool step() {
    if (repeats_) return finish_repeating();
    const Address from = instruction();
    if (!go_on(PTRACE_SINGLESTEP)) return false;
    repeats_ = instruction() == from;
    return true;
  }

  // Where it stands after each instruction of the rest of the operation.
  std::vector<Address> trace() {
    std::vector<Address> places;
    while (step()) places.push_back(instruction());
    return places;
  }

  // Goes on until it stands before the instruction at `address` for the `time`th time; false where
  // the operation is over before. A thousand times faster than stepping there.
  bool run_to(Address address, long time) {
    for (;; --time) {
      if (instruction() == address && time-- == 1) return true;
      if (!go_on(PTRACE_SINGLESTEP)) return false;
      if (instruction() == address) {
        if (time == 1) return true;
        continue;
      }
      if (!run_to_breakpoint(address)) return false;
      if (time == 1) return true;
    }
  }

  // From here on it runs free of us.
  void let_run() { ptrace(PTRACE_DETACH, pid_, nullptr, nullptr); }

  // Ends it here; it is a zombie then, until collect().
  void kill_now() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    siginfo_t info;
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR) {
    }
  }

  void collect() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status)) {
    }
    pid_ = 0;
  }

 private:
  static constexpr int kEnd = SIGUSR2;

  explicit SteppedProcess(pid_t stopped) : pid_(stopped) {}

  // The signal it stopped at; 0 where it ended.
  int wait_for_stop() {
    int status = 0;
    if (waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status)) return WSTOPSIG(status);
    pid_ = 0;
    return 0;
  }

  bool go_on(int how) {
    int signal = 0;
    while (pid_ != 0 && ptrace(static_cast<__ptrace_request>(how), pid_, nullptr, signal) == 0) {
      signal = wait_for_stop();
      if (signal == SIGTRAP) return true;
      if (signal == kEnd) return false;
      // A signal of its own (SIGCHLD, say): it gets it, and goes on.
    }
    return false;
  }

  void set_debug_register(std::size_t number, unsigned long value) {
    EXPECT_EQ(ptrace(PTRACE_POKEUSER, pid_,
                     offsetof(user, u_debugreg) + number * sizeof(unsigned long), value),
              0);
  }

  // By the processor's breakpoint: one written into the program would be inherited by a fork child.
  bool run_to_breakpoint(Address address) {
    set_debug_register(0, address);
    set_debug_register(7, 1);
    const bool going = go_on(PTRACE_CONT);
    if (pid_ != 0) set_debug_register(7, 0);
    return going;
  }

  bool finish_repeating() {
    repeats_ = false;
    const Address from = instruction();
    const long text = ptrace(PTRACE_PEEKTEXT, pid_, from, nullptr);
    // f2 or f3, perhaps a prefix that makes the words wide, a4 to af.
    const int length = (text >> 8 & 0xf0) == 0x40 ? 3 : 2;
    const bool is_string = (text & 0xfe) == 0xf2 && (text >> (8 * length - 8) & 0xf0) == 0xa0;
    return is_string ? run_to_breakpoint(from + static_cast<Address>(length)) : step();
  }

  pid_t pid_ = 0;
  bool repeats_ = false;  // the last step stayed where it was
};

}  // namespace onecopy::testing
