// Ends this process when another one dies, busy or not, without a thread.
//
// One end of a stream_pair() stays with the process whose death matters, the other is armed here.
// The protocol: nobody ever writes. The lifeline holds as long as any process has the first end
// open, so whoever inherits a copy of it must close it.
//
// Who may call: any thread, in the process that is to be ended. Closing the armed descriptor, or
// exec, disarms it. The armed end may be inherited by children; it still ends only its arranger.
#pragma once

#include <onecopy/error.hpp>

namespace onecopy::os {

// From now on SIGKILL strikes this process when the other end of `fd` closes; at once when it
// already has. Reading from `fd` is shut down, so that a stray write of the other end fails there
// with EPIPE instead of firing. Errors: invalid (no stream socket), closed.
Result<void> arm_lifeline(int fd) noexcept;

}  // namespace onecopy::os
