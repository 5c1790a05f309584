// Giving memory that lies idle back to the kernel. There is no thread for it: whoever releases a
// block or wakes from a slice of waiting does it, at most once a second in the whole family.
//
// Any thread of any member may call. A death in the middle leaves a block held by the dead.
#pragma once

#include "os/clock.hpp"

namespace onecopy::memory {

// Gives back what has been free for five seconds, when the last look is a second ago.
void housekeep() noexcept;

// Gives back every warm block that has been free for `age` or longer.
void give_back_idle(os::Nanoseconds age) noexcept;

}  // namespace onecopy::memory
