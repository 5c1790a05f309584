// Who this process is, ending it, and what the system says when it refuses.
//
// Who may call: any thread of any process, in a fork child too. Nothing is cached, so the answers
// are right on both sides of any fork.
#pragma once

#include <cstddef>

#include <sys/types.h>

#include <onecopy/error.hpp>

namespace onecopy::os {

pid_t process_id() noexcept;
uid_t user_id() noexcept;  // the effective one, as the kernel tells it of a peer
// How many threads this process has; 0 where /proc does not tell.
std::size_t thread_count() noexcept;

// Whether a function of this process is called when any signal comes that tells of a crash.
bool handles_crashes() noexcept;

// Ends this process now: no destructors, no exit handlers, nothing flushed.
[[noreturn]] void exit_now(int code) noexcept;

// Sends a signal to whatever has this pid now; see process_identity.hpp for the safe form.
// Errors: closed (no such process), permission, invalid.
Result<void> send_signal(pid_t pid, int signal) noexcept;

// Ends this process by SIGKILL, as if somebody else had.
[[noreturn]] void kill_self() noexcept;

// The kind of error that a system call's errno is. EAGAIN is too_many: where it means "not now"
// the caller knows which of full and empty that is.
Error error_of(int system_errno) noexcept;
// "what: the system's reason", as a failure. Allocates.
Failure system_failure(int system_errno, const char* what);

}  // namespace onecopy::os
