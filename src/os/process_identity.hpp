// Names one process for ever: a pid alone is reused.
//
// Who may call: any thread of any process, in a fork child and in a signal handler too; is_alive()
// and identify_self() allocate nothing and cache nothing. An identity is a plain value that may lie
// in shared memory; whoever finds it there after a death can still ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <sys/types.h>

#include "os/descriptor.hpp"

namespace onecopy::os {

// Two identities name the same process when pid and start_time are equal and pidfd_inode is equal
// or 0 in one of them. All zero names nobody.
struct ProcessIdentity {
  std::int32_t pid;
  std::uint32_t reserved;     // 0.
  std::uint64_t start_time;   // Field 22 of /proc/<pid>/stat, in clock ticks; 0 when unknown.
  std::uint64_t pidfd_inode;  // Inode of its pidfd where that is unique (Linux 6.9), else 0.

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) noexcept = default;
};
static_assert(sizeof(ProcessIdentity) == 24 && alignof(ProcessIdentity) == 8);
static_assert(offsetof(ProcessIdentity, pid) == 0 && offsetof(ProcessIdentity, start_time) == 8 &&
              offsetof(ProcessIdentity, pidfd_inode) == 16);
static_assert(std::is_trivially_copyable_v<ProcessIdentity>);

ProcessIdentity identify_self() noexcept;

// Error::closed when there is no such process. A zombie still has its identity.
Result<ProcessIdentity> identify_process(pid_t pid);

// Whether that very process still runs. A zombie is dead; a process whose main thread ended while
// others run is alive. Exact where pidfd works (Linux 5.3) and nearly so from /proc, where a pid
// reused within one clock tick (10 ms) goes unnoticed; in doubt alive. A few microseconds.
bool is_alive(const ProcessIdentity& identity) noexcept;

// A descriptor that becomes readable when the process ends. Errors: closed (no such process),
// permission (EPERM and ENOSYS alike: this kernel or container has none), too_many.
Result<Descriptor> open_pidfd(pid_t pid);
// The same of that very process. Error::closed when it is dead.
Result<Descriptor> open_pidfd(const ProcessIdentity& identity);

// Waits until that very process, whoever's child it is, is dead. Errors: timed_out, interrupted.
Result<void> wait_until_dead(const ProcessIdentity& identity, Deadline deadline) noexcept;

// Sends a signal to that very process, never to another that got its pid (where pidfd is denied: to
// the pid, after asking whether it is still the same). Error::closed when it is dead.
Result<void> send_signal(const ProcessIdentity& identity, int signal) noexcept;

}  // namespace onecopy::os
