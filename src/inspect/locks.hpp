// The locks of a program that somebody holds, as they are seen from outside: who keeps others
// waiting. Any thread of any process, as arena_reader.hpp says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "inspect/arena_reader.hpp"
#include "inspect/blocks.hpp"
#include "inspect/members.hpp"

namespace onecopy::inspect {

struct HeldLock {
  memory::BlockIndex block = 0;
  std::uint32_t time = 0;              // with the block, one lock for ever
  std::optional<memory::Slot> holder;  // nothing: one that ended and left it held
  bool waited_for = false;             // somebody sleeps for it, or did a moment ago
};

// By block.
std::vector<HeldLock> read_held_locks(ArenaReader& arena, std::span<const Block> blocks,
                                      std::span<const Member> members);

}  // namespace onecopy::inspect
