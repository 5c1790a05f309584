// Starting processes and collecting how they ended.
//
// Who may call: any thread; a child may be waited for by one thread at a time, and only by its
// parent. A parent that dies leaves its children to the system's reaper.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "os/descriptor.hpp"

namespace onecopy::os {

// Forks this process, running the fork hooks. The child sees 0. Errors: too_many (the limit on
// processes: RLIMIT_NPROC, pids.max), no_memory.
Result<pid_t> fork_process();

// How a process ended.
struct ExitStatus {
  int code = 0;    // What it passed to exit; -1 when a signal ended it.
  int signal = 0;  // The signal that ended it; 0 when it exited.

  bool success() const noexcept { return signal == 0 && code == 0; }
  // The code, or minus the signal: the way Python puts it.
  int as_exit_code() const noexcept { return signal != 0 ? -signal : code; }
};

// Waits for a child to end, and collects it; with Deadline::at(0) only looks. Errors: timed_out,
// interrupted, closed (no child of ours by that pid: collected already, or SIGCHLD is ignored).
Result<ExitStatus> wait_process(pid_t pid, Deadline deadline = Deadline::never()) noexcept;

// Starts another program. `arguments[0]` is its name; `environment` is "NAME=value"; of the
// descriptors only 0, 1, 2 and those in `keep` reach it, under their numbers. Ignored and blocked
// signals are inherited, as at every exec. Errors: what exec answers (a missing program: invalid),
// closed (one of `keep` is not open), too_many, no_memory.
Result<pid_t> start_program(const std::string& path, const std::vector<std::string>& arguments,
                            const std::vector<std::string>& environment, std::span<const int> keep);

}  // namespace onecopy::os
