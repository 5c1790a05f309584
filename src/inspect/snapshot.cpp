#include "inspect/snapshot.hpp"

#include <utility>

#include "os/clock.hpp"

namespace onecopy::inspect {

Result<Snapshot> take_snapshot(int descriptor) {
  auto opened = ArenaReader::open(descriptor);
  if (!opened) return std::move(opened).failure();
  ArenaReader& arena = *opened;
  Snapshot snapshot;
  snapshot.taken_at = static_cast<std::uint64_t>(os::now());
  snapshot.head = arena.head();
  snapshot.members = read_members(arena);
  snapshot.channels = read_channels(arena, snapshot.members);
  snapshot.blocks = read_blocks(arena, snapshot.members);
  snapshot.pools = read_pools(arena, snapshot.blocks.in_use, snapshot.members);
  snapshot.locks = read_held_locks(arena, snapshot.blocks.in_use, snapshot.members);
  if (!arena.failure()) return arena.failure().failure();
  return snapshot;
}

}  // namespace onecopy::inspect
