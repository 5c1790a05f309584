// The pools of a family, as they are seen from outside. Any thread of any process, as
// arena_reader.hpp says.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "inspect/arena_reader.hpp"
#include "inspect/blocks.hpp"
#include "inspect/members.hpp"
#include "pool/seats.hpp"

namespace onecopy::inspect {

// What a worker has spent is added up when it is done with something: what it is at now is not in
// the sums yet.
struct Seat {
  std::optional<memory::Slot> worker;                // who sits there
  std::optional<std::uint32_t> at;                   // the number of its task, taken or about to be
  std::uint64_t taken = 0;                           // tasks
  std::uint64_t started = 0;                         // monotonic nanoseconds; 0: nobody sits there
  std::array<std::uint64_t, pool::kPhases> spent{};  // nanoseconds, by pool::Phase
};

struct Pool {
  memory::BlockIndex block = 0;
  std::uint32_t time = 0;  // with the block, one pool for ever
  bool closing = false;    // no task is put any more
  std::uint32_t workers_asleep = 0;
  memory::ChannelIndex tasks = 0;    // that wait for a worker
  memory::ChannelIndex answers = 0;  // that wait for the parent
  std::vector<Seat> seats;
  std::vector<memory::Slot> holders;  // members that have a handle on it: parent and workers
};

// By block. One that was given up meanwhile is left out.
std::vector<Pool> read_pools(ArenaReader& arena, std::span<const Block> blocks,
                             std::span<const Member> members);

}  // namespace onecopy::inspect
