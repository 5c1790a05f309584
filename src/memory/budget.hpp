// How much memory the arena may take: the smallest of ONECOPY_MEMORY_LIMIT, the machine's free
// memory, and every memory.max above us. What would not fit is refused beforehand: touching a page
// too many ends in the kernel's OOM killer or in SIGBUS.
//
// Called with the lock on the books held.
#pragma once

#include <cstdint>

#include <onecopy/error.hpp>

namespace onecopy::memory {

// Allows `bytes` more to become resident, or says which limit stands in the way. The figures that
// the system gives are read again whenever the last grant is used up, not at each call.
Result<void> grant(std::uint64_t bytes);

}  // namespace onecopy::memory
