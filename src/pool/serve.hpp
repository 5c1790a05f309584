// What a worker of a pool of C++ does: it takes tasks, calls their functions, and answers each.
//
// For the one thread of a process that was forked for it. A death at any instruction leaves what
// worker.hpp says.
#pragma once

#include <cstdint>

#include "pool/name.hpp"

namespace onecopy::pool {

// Until the pool closes: 0. 1: it cannot go on, and says on stderr why.
int serve(const Name& name, std::uint32_t seat);

}  // namespace onecopy::pool
