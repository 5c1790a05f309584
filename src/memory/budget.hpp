// How much memory the arena may take: the smallest of ONECOPY_MEMORY_LIMIT, the machine's free
// memory, and every memory.max above us. What would not fit is refused beforehand: touching a page
// too many ends in the kernel's OOM killer or in SIGBUS.
#pragma once

#include <cstdint>

#include <onecopy/error.hpp>

#include "os/limits.hpp"

namespace onecopy::memory {

// What the system still has for the arena, and which of its limits that is. Reads files for some
// hundreds of microseconds and allocates: any thread of a member, without the lock on the books.
os::MemoryLimit measure_room();

enum class Granted : bool { yes, measure_first };

// Allows `bytes` more to become resident, or says which limit stands in the way. What was measured
// is granted ahead, so that it is seldom measured anew: measure_first asks for another call with
// what measure_room() says. With the lock on the books held.
Result<Granted> grant(std::uint64_t bytes, const os::MemoryLimit* measured);

}  // namespace onecopy::memory
