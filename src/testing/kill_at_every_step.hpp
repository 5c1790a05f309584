// Kills a process after each instruction of an operation, one after the other, and looks each time at
// what the survivors find. For tests only.
//
// The operation runs in a forked child under PTRACE_SINGLESTEP and is killed by SIGKILL after
// instruction k, for k = 1 to the end: all of them with ONECOPY_TEST_LONG=1, else a sample drawn from
// ONECOPY_TEST_SEED, one of each stretch of equal length. What was tried is counted and printed;
// trying nothing is a failure. An instruction that repeats itself (copying by the byte) counts as two:
// once begun, and done.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <optional>
#include <random>
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

#include "os/cpu.hpp"
#include "testing/fresh_process.hpp"
#include "testing/seed.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::testing {

// A child that stands still before the first instruction of `operation` and goes on step by step.
class SteppedProcess {
 public:
  template <class Operation>
  explicit SteppedProcess(Operation&& operation) {
    pid_ = start_process([&] {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
      raise(SIGSTOP);
      operation();
      raise(kEnd);
    });
    stopped_ = wait_for_stop() == SIGSTOP;
    EXPECT_TRUE(stopped_) << "the child cannot be traced";
  }
  // Takes a traced process over that stands still already.
  explicit SteppedProcess(pid_t stopped) : pid_(stopped), stopped_(true) {}
  ~SteppedProcess() { collect(); }
  SteppedProcess(const SteppedProcess&) = delete;
  SteppedProcess& operator=(const SteppedProcess&) = delete;

  pid_t pid() const { return pid_; }

  // One instruction more; false once the operation is over.
  bool step() {
    if (repeats_) return finish_repeating();
    const unsigned long from = instruction();
    if (!go_on(PTRACE_SINGLESTEP)) return false;
    repeats_ = instruction() == from;
    return true;
  }

  // How many of at most `most` instructions it went on.
  long steps(long most) {
    long done = 0;
    while (done < most && step()) ++done;
    return done;
  }

  // Where it stands, for a person with addr2line.
  std::string place() const {
    user_regs_struct registers{};
    if (ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) return "(unknown)";
    const auto address = reinterpret_cast<const void*>(registers.rip);
    std::ostringstream text;
    Dl_info info{};
    if (dladdr(address, &info) != 0 && info.dli_fname != nullptr) {
      text << info.dli_fname << "+0x" << std::hex
           << registers.rip - reinterpret_cast<unsigned long>(info.dli_fbase);
      if (info.dli_sname != nullptr) text << " (" << info.dli_sname << ")";
    } else {
      text << "0x" << std::hex << registers.rip;
    }
    return text.str();
  }

  // From here on it runs free of us.
  void let_run() {
    ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    stopped_ = false;
  }

  // Ends it here; afterwards it is a zombie, until collect().
  void kill_now() {
    ::kill(pid_, SIGKILL);
    siginfo_t info;
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    stopped_ = false;
  }

  void collect() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status)) ::kill(pid_, SIGKILL);
    pid_ = 0;
  }

 private:
  static constexpr int kEnd = SIGUSR2;

  unsigned long instruction() const {
    return static_cast<unsigned long>(
        ptrace(PTRACE_PEEKUSER, pid_, offsetof(user_regs_struct, rip), nullptr));
  }

  bool go_on(int how) {
    if (!stopped_ || ptrace(static_cast<__ptrace_request>(how), pid_, nullptr, nullptr) != 0) {
      return false;
    }
    const int signal = wait_for_stop();
    return stopped_ && signal != kEnd;
  }

  // Runs an instruction that is in the middle of repeating itself to its end, by a breakpoint behind
  // it.
  bool finish_repeating() {
    repeats_ = false;
    const unsigned long from = instruction();
    const long text = ptrace(PTRACE_PEEKTEXT, pid_, from, nullptr);
    if ((text & 0xff) != 0xf3) return step();
    // f3, perhaps a prefix that makes the words wide, a4 to ab.
    const unsigned long behind = from + ((text >> 8 & 0xf0) == 0x40 ? 3 : 2);
    const long original = ptrace(PTRACE_PEEKTEXT, pid_, behind, nullptr);
    ptrace(PTRACE_POKETEXT, pid_, behind, (original & ~0xffL) | 0xcc);
    const bool going = go_on(PTRACE_CONT);
    if (!stopped_) return false;
    ptrace(PTRACE_POKETEXT, pid_, behind, original);
    ptrace(PTRACE_POKEUSER, pid_, offsetof(user_regs_struct, rip), behind);
    return going;
  }

  int wait_for_stop() {
    int status = 0;
    stopped_ = waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status);
    if (!stopped_) pid_ = 0;
    return stopped_ ? WSTOPSIG(status) : 0;
  }

  pid_t pid_ = 0;
  bool stopped_ = false;
  bool repeats_ = false;  // the last step stayed where it was
};

// Keeps this process and what it starts on one processor: a step there and back is much faster then.
class OnOneProcessor {
 public:
  OnOneProcessor() : before_(os::usable_cpus()) {
    EXPECT_TRUE(os::set_cpus(std::span(before_).first(1)));
  }
  ~OnOneProcessor() { EXPECT_TRUE(os::set_cpus(before_)); }
  OnOneProcessor(const OnOneProcessor&) = delete;
  OnOneProcessor& operator=(const OnOneProcessor&) = delete;

 private:
  std::vector<int> before_;
};

// Which instructions to die after, of `last`: all of them, or about `sample`.
inline std::vector<long> kill_points(const char* name, long last, long sample) {
  std::vector<long> points;
  if (wants_everything() || last <= sample) {
    for (long k = 1; k <= last; ++k) points.push_back(k);
    return points;
  }
  auto random = random_for(name);
  for (long i = 0; i < sample; ++i) {
    const long from = last * i / sample + 1;
    const long to = last * (i + 1) / sample;
    points.push_back(std::uniform_int_distribution<long>(from, to)(random));
  }
  return points;
}

struct KillTest {
  const char* name;
  long sample = 48;        // how many points to try when not all
  unsigned seconds = 600;  // of the watchdog
};

// `prepare()` runs here before each attempt, `operation()` in the child, `check()` here once the child
// is dead: of each second attempt while it is still a zombie. The first attempt kills nothing but
// counts the instructions; its child ends at the end.
template <class Prepare, class Operation, class Check>
void kill_at_every_step(const KillTest& test, Prepare&& prepare, Operation&& operation,
                        Check&& check) {
  const Watchdog watchdog(test.name, wants_everything() ? 20 * test.seconds : test.seconds);
  const auto attempt = [&](long k) {
    prepare();
    std::optional<OnOneProcessor> here(std::in_place);
    SteppedProcess child(operation);
    const long done = child.steps(k);
    const std::string place = child.place();
    child.kill_now();
    here.reset();
    if (k % 2 == 0) child.collect();
    SCOPED_TRACE(std::string(test.name) + ": killed after instruction " + std::to_string(done) +
                 " at " + place);
    check();
    child.collect();
    return done;
  };
  const long last = attempt(std::numeric_limits<long>::max());
  ASSERT_GT(last, 0) << "nothing to step through";
  long tried = 0;
  for (const long k : kill_points(test.name, last, test.sample)) {
    if (::testing::Test::HasFailure()) break;
    attempt(k);
    ++tried;
  }
  std::printf("%s: killed at %ld points of %ld instructions\n", test.name, tried, last);
  EXPECT_GT(tried, 0);
}

}  // namespace onecopy::testing
