// All that can be seen of a family from outside, at about one moment: the figures behind
// `onecopy top`.
//
// Any thread of any process that has a descriptor of the arena, as arena_reader.hpp says; the
// members, their work and their deaths are not disturbed. It takes as long as reading the tables:
// under a millisecond for some thousand blocks.
#pragma once

#include <cstdint>
#include <vector>

#include <onecopy/error.hpp>

#include "inspect/arena_reader.hpp"
#include "inspect/blocks.hpp"
#include "inspect/channels.hpp"
#include "inspect/locks.hpp"
#include "inspect/members.hpp"
#include "inspect/pools.hpp"

namespace onecopy::inspect {

struct Snapshot {
  std::uint64_t taken_at = 0;  // monotonic nanoseconds
  Head head;
  std::vector<Member> members;
  std::vector<Channel> channels;
  Blocks blocks;
  std::vector<Pool> pools;
  std::vector<HeldLock> locks;
};

// The descriptor is not consumed. Errors: those of ArenaReader::open(), and what the system says.
Result<Snapshot> take_snapshot(int descriptor);

}  // namespace onecopy::inspect
