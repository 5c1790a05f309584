// What a Process (include/onecopy/process.hpp) has.
#pragma once

#include <onecopy/process.hpp>

#include "process/child.hpp"

namespace onecopy {

struct Process::State {
  process::Child child;
  ProcessOptions options;
};

}  // namespace onecopy
