// Who holds what: the figures behind onecopy.memory(). A snapshot, taken under the lock on the
// books; any thread of any member.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memory/index.hpp"

namespace onecopy::memory {

struct MemberUse {
  Slot slot;
  std::int32_t pid;  // 0: reserved for a child that is not born yet
  bool living;
  std::uint32_t blocks;  // held, frozen and shared ones included
  std::uint64_t bytes;
};

struct Census {
  std::uint64_t in_use = 0;  // bytes of the blocks in use
  std::uint64_t warm = 0;    // free, with their pages kept
  std::uint64_t resident = 0;
  std::uint64_t highest_resident = 0;
  std::uint64_t limit = 0;  // bytes the arena may still grow to
  std::string limit_name;
  std::uint32_t blocks_in_use = 0;
  std::uint64_t queued = 0;  // bytes that belong to channels
  std::uint32_t queued_blocks = 0;
  std::uint64_t frozen = 0;  // bytes that forks made common
  std::uint64_t shared = 0;  // bytes that are one and the same for all who hold them
  std::vector<MemberUse> members;
};

Census take_census();

}  // namespace onecopy::memory
