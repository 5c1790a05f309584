#include "os/child_process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <limits>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process_identity.hpp"
#include "os/system.hpp"

namespace onecopy::os {

namespace {

ExitStatus decode(int status) noexcept {
  ExitStatus exit;
  if (WIFEXITED(status)) {
    exit.code = WEXITSTATUS(status);
  } else {
    exit.code = -1;
    exit.signal = WTERMSIG(status);
  }
  return exit;
}

Result<ExitStatus> collect(pid_t pid, int flags) noexcept {
  // 0 and negative numbers would collect children that somebody else waits for.
  if (pid <= 0) return Failure{Error::invalid, EINVAL};
  int status;
  const pid_t found = waitpid(pid, &status, flags);
  if (found == pid) return decode(status);
  if (found == 0) return Error::timed_out;
  return Failure{error_of(errno), errno};
}

// A range of descriptors, both ends included.
struct Range {
  int first;
  int last;
};

// Everything between and above the descriptors to leave open.
std::vector<Range> ranges_to_close(std::vector<int> leave_open) {
  std::sort(leave_open.begin(), leave_open.end());
  std::vector<Range> ranges;
  int next = 0;
  for (const int fd : leave_open) {
    if (fd > next) ranges.push_back({next, fd - 1});
    next = std::max(next, fd + 1);
  }
  ranges.push_back({next, std::numeric_limits<int>::max()});
  return ranges;
}

#ifdef SYS_close_range
constexpr long kCloseRange = SYS_close_range;
#else
constexpr long kCloseRange = 436;  // The same on every architecture.
#endif

// The highest descriptor that may be open, for kernels before 5.9, which close one by one.
int highest_descriptor() {
  int highest = -1;
  if (DIR* directory = opendir("/proc/self/fd")) {
    while (const dirent* entry = readdir(directory)) {
      highest = std::max(highest, std::atoi(entry->d_name));
    }
    closedir(directory);
  }
  rlimit limit;
  if (highest < 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    highest = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
  }
  return highest;
}

// All that a child needs between vfork and exec, where it may neither allocate nor change memory
// that the parent goes on using.
struct Launch {
  const char* path;
  char* const* arguments;
  char* const* environment;
  std::span<const Range> close;
  std::span<const int> keep;
  int highest;  // -1 where close_range works.
  int report;   // Where an errno goes; exec closes it.
  sigset_t mask;
};

void default_handled_signals() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
}

[[noreturn]] void run_child(const Launch& launch) noexcept {
  // A handler would run on the parent's memory.
  default_handled_signals();
  sigprocmask(SIG_SETMASK, &launch.mask, nullptr);
  for (const Range& range : launch.close) {
    if (launch.highest < 0) {
      syscall(kCloseRange, range.first, range.last, 0);
    } else {
      for (int fd = range.first; fd <= std::min(range.last, launch.highest); ++fd) close(fd);
    }
  }
  bool kept = true;
  for (const int fd : launch.keep) kept = kept && fcntl(fd, F_SETFD, 0) == 0;
  if (kept) execve(launch.path, launch.arguments, launch.environment);
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = write(launch.report, &reason, sizeof reason);
  _exit(127);
}

// Returns once the program runs or has reported that it cannot. A function of its own: vfork
// returns twice into it, and nothing in it changes in between. Not posix_spawn, which closes no
// ranges; not fork, which copies the page tables of a large process.
[[gnu::noinline]] pid_t launch_child(const Launch& launch) noexcept {
#if defined(__SANITIZE_THREAD__)
  // Its vfork() is a fork, with hooks, from which the parent returns at once.
  const auto child = static_cast<pid_t>(syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
#else
  const pid_t child = vfork();  // NOLINT(bugprone-unsafe-functions): see above.
#endif
  if (child == 0) run_child(launch);
  return child;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<pid_t> fork_process() {
  const pid_t child = fork();
  if (child < 0) return system_failure(errno, "cannot start a process");
  return child;
}

Result<ExitStatus> wait_process(pid_t pid, Deadline deadline) noexcept {
  if (deadline.is_never()) return collect(pid, 0);
  // Without a pidfd, look now and then: the child is ours, so its pid cannot go to another.
  constexpr Nanoseconds kFirstSlice = kMillisecond / 2;
  constexpr Nanoseconds kLongestSlice = 20 * kMillisecond;
  Nanoseconds slice = kFirstSlice;
  const auto pidfd = open_pidfd(pid);
  for (bool last = false;;) {
    auto status = collect(pid, WNOHANG);
    if (status.error() != Error::timed_out || last) return status;
    bool interrupted;
    if (pidfd) {
      interrupted = poll_one(pidfd->get(), true, false, deadline).interrupted;
    } else {
      interrupted = !sleep_until(deadline.earlier_of(slice));
      slice = std::min(2 * slice, kLongestSlice);
    }
    // The signal may be the one that tells of the child's end: look once more.
    if (interrupted) {
      status = collect(pid, WNOHANG);
      if (status.error() == Error::timed_out) return Error::interrupted;
      return status;
    }
    last = deadline.expired();
  }
}

Result<pid_t> start_program(const std::string& path, const std::vector<std::string>& arguments,
                            const std::vector<std::string>& environment,
                            std::span<const int> keep) {
  for (const int fd : keep) {
    if (fcntl(fd, F_GETFD) < 0) return system_failure(errno, "cannot hand a descriptor on");
  }
  // Whoever forks meanwhile has a copy of the writing end, perhaps for long: the end of the pipe is
  // not to be waited for.
  auto report = pipe_pair(true);
  if (!report) return std::move(report).failure();
  auto& [reading, writing] = *report;

  std::vector<int> leave_open(keep.begin(), keep.end());
  leave_open.insert(leave_open.end(), {0, 1, 2, writing.get()});
  const auto ranges = ranges_to_close(std::move(leave_open));
  const auto argument_pointers = pointers_to(arguments);
  const auto environment_pointers = pointers_to(environment);
  constexpr unsigned kNoDescriptor = std::numeric_limits<unsigned>::max();
  const bool closes_ranges = syscall(kCloseRange, kNoDescriptor, kNoDescriptor, 0) == 0;
  Launch launch{path.c_str(),
                argument_pointers.data(),
                environment_pointers.data(),
                ranges,
                keep,
                closes_ranges ? -1 : highest_descriptor(),
                writing.get(),
                {}};

  // No handler may run in the child while it shares this memory.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &launch.mask);
  const pid_t child = launch_child(launch);
  const int reason = errno;
  pthread_sigmask(SIG_SETMASK, &launch.mask, nullptr);
  if (child < 0) return system_failure(reason, "cannot start a process");

  writing.reset();
  int answer = 0;
  auto length = read_some(reading.get(), &answer, sizeof answer);
  while (length.error() == Error::interrupted) {
    length = read_some(reading.get(), &answer, sizeof answer);
  }
  if (!length || *length != sizeof answer) return child;
  while (collect(child, 0).error() == Error::interrupted) {
  }
  return system_failure(answer, ("cannot start " + path).c_str());
}

}  // namespace onecopy::os
