#include "os/process_identity.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/proc_path.hpp"
#include "os/system.hpp"

namespace onecopy::os {

namespace {

Descriptor try_open_pidfd(pid_t pid) noexcept {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool has_ended(const Descriptor& pidfd) noexcept {
  return poll_one(pidfd.get(), true, false, Deadline::at(0)).readable;
}

std::uint64_t inode_of(const Descriptor& pidfd) noexcept {
  struct stat status;
  return fstat(pidfd.get(), &status) == 0 ? status.st_ino : 0;
}

// Before Linux 6.9 all pidfds share one inode; since then each process has its own, for as long as
// the machine runs.
std::uint64_t unique_inode_of(const Descriptor& pidfd) noexcept {
  constexpr auto kPidFileSystem = 0x50494446;
  struct statfs status;
  if (fstatfs(pidfd.get(), &status) != 0 || status.f_type != kPidFileSystem) return 0;
  return inode_of(pidfd);
}

struct Stat {
  char state = '?';
  std::uint64_t threads = 0;
  std::uint64_t start_time = 0;
};

// Reads /proc/<pid>/stat; errno tells why there is nothing.
std::optional<Stat> read_stat(const char* path) noexcept {
  const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  char text[1024];
  const auto length = read_some(file.get(), text, sizeof text);
  if (!length) {
    errno = length.failure().system_errno;
    return std::nullopt;
  }
  const char* const end = text + *length;
  // Field 2 is the program's name in parentheses and may hold anything, parentheses too; what
  // follows the last one is letters and numbers only.
  const void* name_end = memrchr(text, ')', *length);
  if (name_end == nullptr) return std::nullopt;
  const char* next = static_cast<const char*>(name_end) + 1;

  constexpr int kState = 3;
  constexpr int kThreads = 20;
  constexpr int kStartTime = 22;
  Stat stat;
  for (int field = kState; field <= kStartTime; ++field) {
    if (end - next < 2 || *next != ' ') return std::nullopt;
    ++next;
    if (field == kState) stat.state = *next;
    if (field == kThreads) std::from_chars(next, end, stat.threads);
    if (field == kStartTime) std::from_chars(next, end, stat.start_time);
    while (next < end && *next != ' ') ++next;
  }
  return stat;
}

// /proc may be missing, or belong to another pid namespace and count pids in another way.
bool proc_counts_as_we_do() noexcept {
  char link[16];
  const ssize_t length = readlink("/proc/self", link, sizeof link);
  if (length <= 0) return false;
  pid_t pid = 0;
  const auto parsed = std::from_chars(link, link + length, pid);
  return parsed.ptr == link + length && pid == getpid();
}

// Whether a process has let go of its memory for good, told without a descriptor: a zombie has no
// program file any more, and no second thread that might still run.
bool is_dead_without_descriptors(pid_t pid) noexcept {
  char link[1];
  if (readlink(ProcPath(pid, "exe").text(), link, sizeof link) >= 0 || errno != ENOENT) {
    return false;
  }
  // A directory has two links and one more for each directory in it; here those are threads.
  struct stat threads;
  return stat(ProcPath(pid, "task").text(), &threads) == 0 && threads.st_nlink <= 3;
}

bool is_same_start(const ProcessIdentity& identity, const Stat& stat) noexcept {
  return identity.start_time == 0 || identity.start_time == stat.start_time;
}

bool is_alive_without_pidfd(const ProcessIdentity& identity) noexcept {
  if (kill(identity.pid, 0) != 0 && errno == ESRCH) return false;
  if (!proc_counts_as_we_do()) return true;
  const auto stat = read_stat(ProcPath(identity.pid, "stat").text());
  if (!stat) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
      return !is_dead_without_descriptors(identity.pid);
    }
    // Gone since the kill(), or hidden from us: the former only if kill() says so now.
    return kill(identity.pid, 0) == 0 || errno != ESRCH;
  }
  if (!is_same_start(identity, *stat)) return false;
  if (stat->state == 'X' || stat->state == 'x') return false;
  // The first thread of a process is a zombie too while others run on.
  return stat->state != 'Z' || stat->threads > 1;
}

// Whether the process that `pidfd` stands for, which has not ended, is the one that is meant.
bool is_same_process(const ProcessIdentity& identity, const Descriptor& pidfd) noexcept {
  if (identity.pidfd_inode != 0) {
    const std::uint64_t inode = inode_of(pidfd);
    if (inode != 0) return inode == identity.pidfd_inode;
  }
  if (identity.start_time == 0 || !proc_counts_as_we_do()) return true;
  const auto stat = read_stat(ProcPath(identity.pid, "stat").text());
  return !stat || is_same_start(identity, *stat);
}

}  // namespace

ProcessIdentity identify_self() noexcept {
  ProcessIdentity identity{};
  identity.pid = getpid();
  if (const auto stat = read_stat("/proc/self/stat")) identity.start_time = stat->start_time;
  if (const Descriptor pidfd = try_open_pidfd(identity.pid)) {
    identity.pidfd_inode = unique_inode_of(pidfd);
  }
  return identity;
}

Result<ProcessIdentity> identify_process(pid_t pid) {
  if (pid <= 0) return Failure{Error::invalid, EINVAL, "a process id is positive"};
  ProcessIdentity identity{};
  identity.pid = pid;
  const Descriptor pidfd = try_open_pidfd(pid);
  if (pidfd) {
    identity.pidfd_inode = unique_inode_of(pidfd);
  } else if (kill(pid, 0) != 0 && errno == ESRCH) {
    return Failure{Error::closed, ESRCH};
  }
  if (proc_counts_as_we_do()) {
    if (const auto stat = read_stat(ProcPath(pid, "stat").text())) {
      identity.start_time = stat->start_time;
    }
  }
  // A pid is not given to another process before the first is collected: if that has not happened
  // by now, both answers are about the same process.
  if (pidfd && syscall(SYS_pidfd_send_signal, pidfd.get(), 0, nullptr, 0) != 0 && errno == ESRCH) {
    return Failure{Error::closed, ESRCH};
  }
  return identity;
}

bool is_alive(const ProcessIdentity& identity) noexcept {
  if (identity.pid <= 0) return false;
  const int saved = errno;
  bool alive;
  if (const Descriptor pidfd = try_open_pidfd(identity.pid)) {
    alive = !has_ended(pidfd) && is_same_process(identity, pidfd);
  } else {
    // Whether it is denied, or descriptors ran out, or the pid is a mere thread's by now.
    alive = errno != ESRCH && is_alive_without_pidfd(identity);
  }
  errno = saved;
  return alive;
}

Result<Descriptor> open_pidfd(pid_t pid) {
  Descriptor pidfd = try_open_pidfd(pid);
  if (pidfd) return pidfd;
  const int reason = errno;
  if (reason == ENOSYS) {
    return Failure{Error::permission, reason, "this system does not offer pidfd_open"};
  }
  return system_failure(reason, "cannot open a process descriptor");
}

Result<Descriptor> open_pidfd(const ProcessIdentity& identity) {
  if (identity.pid <= 0) return Failure{Error::closed, ESRCH};
  auto pidfd = open_pidfd(identity.pid);
  if (!pidfd) return pidfd;
  if (has_ended(*pidfd) || !is_same_process(identity, *pidfd)) return Failure{Error::closed, ESRCH};
  return pidfd;
}

Result<void> wait_until_dead(const ProcessIdentity& identity, Deadline deadline) noexcept {
  // Without a pidfd, look now and then.
  constexpr Nanoseconds kFirstSlice = kMillisecond / 2;
  constexpr Nanoseconds kLongestSlice = 20 * kMillisecond;
  Nanoseconds slice = kFirstSlice;
  for (;;) {
    const Descriptor pidfd = try_open_pidfd(identity.pid);
    if (!is_alive(identity)) return {};
    if (deadline.expired()) return Error::timed_out;
    bool interrupted;
    if (pidfd) {
      interrupted = poll_one(pidfd.get(), true, false, deadline).interrupted;
    } else {
      interrupted = !sleep_until(deadline.earlier_of(slice));
      slice = std::min(2 * slice, kLongestSlice);
    }
    if (interrupted) return Error::interrupted;
  }
}

Result<void> send_signal(const ProcessIdentity& identity, int signal) noexcept {
  if (identity.pid <= 0) return Failure{Error::closed, ESRCH};
  const Descriptor pidfd = try_open_pidfd(identity.pid);
  if (!pidfd) {
    if (!is_alive(identity)) return Failure{Error::closed, ESRCH};
    return send_signal(identity.pid, signal);
  }
  if (has_ended(pidfd) || !is_same_process(identity, pidfd)) return Failure{Error::closed, ESRCH};
  if (syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) return {};
  // Where this call alone is denied, the pid has to do: it was right a moment ago.
  if (errno == ENOSYS || errno == EPERM) return send_signal(identity.pid, signal);
  return Failure{error_of(errno), errno};
}

}  // namespace onecopy::os
