// The members of a family, as they are seen from outside.
//
// Any thread of any process, as arena_reader.hpp says. Whether a member lives is asked of the
// system by its identity, so that a process which got the pid of a dead one is not taken for it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "inspect/arena_reader.hpp"
#include "trace/trace.hpp"

namespace onecopy::inspect {

struct Member {
  memory::Slot slot = 0;
  std::uint32_t generation = 0;
  std::int32_t pid = 0;         // 0: a child that is not born yet
  bool living = false;          // not: dead, and not taken back yet
  std::uint64_t joined_at = 0;  // monotonic nanoseconds
  std::uint32_t blocks = 0;     // held, frozen and shared ones included (read_blocks)
  std::uint64_t bytes = 0;      // of these
  std::array<std::uint64_t, trace::kCounters> figures{};  // by trace::Counter
};

// Whose the word of an owner lock is, without its `contended`; null: of nobody who is there.
const Member* named_by(std::uint32_t lock_word, std::span<const Member> members) noexcept;

// By slot. A place that is changing hands at this moment is left out.
std::vector<Member> read_members(ArenaReader& arena);

}  // namespace onecopy::inspect
