// Checks every invariant of the arena's books (docs/layout/arena.md). For tests, and for a person
// who suspects something: takes the lock on the books while it looks at every block.
#pragma once

#include <string>

namespace onecopy::memory {

// The first invariant that does not hold, in words; empty: all hold.
std::string validate_memory();

}  // namespace onecopy::memory
