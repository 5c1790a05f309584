// How many processes the kernel has killed because memory ran out.
//
// Who may call: any thread; reads a few files and allocates. The number only grows. It tells that
// somebody was killed, not who: the kernel names nobody where everybody can read it.
#pragma once

#include <cstdint>
#include <string>

namespace onecopy::os {

// Of our control group, with the groups below it in version 2; of the whole machine where no group
// says. 0 where nothing says. `root` is put before every path that is read.
std::uint64_t memory_kill_count(const std::string& root = "");

}  // namespace onecopy::os
