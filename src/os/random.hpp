// Numbers that nobody can guess.
//
// Who may call: any thread of any process; there is no state, so a fork child draws other numbers
// than its parent.
#pragma once

#include <cstdint>

namespace onecopy::os {

// 64 bits from the kernel. Aborts where the kernel has no source at all.
std::uint64_t random_u64() noexcept;

}  // namespace onecopy::os
