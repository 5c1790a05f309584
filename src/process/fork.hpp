// Starting a child by fork that runs a function of this program.
#pragma once

#include <string>

#include <onecopy/error.hpp>

#include "process/child.hpp"

namespace onecopy::process {

// Forks. The child runs `body`, flushes what it printed and exits with what body returned, or with
// 1 after an exception that nobody caught, which it reports under `name`. With `daemon` it is
// killed when this process ends. Any thread; the child has only that thread.
Result<Child> fork_child(int (*body)(void* argument), void* argument, const std::string& name,
                         bool daemon);

}  // namespace onecopy::process
