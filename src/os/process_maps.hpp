// What another process has mapped.
//
// Who may call: any thread; nothing allocates, so a fork child may too. The answer is old at once,
// except that a file which a process lost at its exec does not come back by itself.
#pragma once

#include <sys/types.h>

#include "os/descriptor.hpp"

namespace onecopy::os {

// Whether any page of the file is mapped by the process. Errors: closed (no such process, or it has
// let go of all its memory), permission, and others where it cannot be told.
Result<bool> has_mapped(pid_t pid, const FileIdentity& file) noexcept;

}  // namespace onecopy::os
