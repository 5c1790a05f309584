#include "inspect/pools.hpp"

namespace onecopy::inspect {

using pool::PoolRecord;
using pool::SeatRecord;

namespace {

Seat seat_in(const SeatRecord& record, std::span<const Member> members) noexcept {
  Seat seat;
  const Member* const worker = named_by(record.worker.load(std::memory_order_relaxed), members);
  if (worker != nullptr) seat.worker = worker->slot;
  seat.at = channel::number_in(record.at.load(std::memory_order_relaxed));
  seat.taken = record.taken.load(std::memory_order_relaxed);
  seat.started = record.started.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < pool::kPhases; ++i) {
    seat.spent.at(i) = record.spent.at(i).load(std::memory_order_relaxed);
  }
  return seat;
}

// Whether the block is still what it was when `block` was read: else what lies there may be
// anything.
bool is_unchanged(ArenaReader& arena, const Block& block) {
  std::uint64_t owner = 0;
  arena.read(memory::kBlocksOffset + block.index * sizeof(memory::BlockRecord), owner);
  return owner == block.owner.bits();
}

}  // namespace

std::vector<Pool> read_pools(ArenaReader& arena, std::span<const Block> blocks,
                             std::span<const Member> members) {
  std::vector<Pool> pools;
  for (const Block& block : blocks) {
    if (block.purpose != memory::Purpose::pool) continue;
    if (block.owner.state() != memory::OwnerState::shared) continue;
    PoolRecord record;
    arena.read(block.offset, record);
    const std::uint64_t count = record.seat_count;
    if (count > pool::kMostSeats) continue;
    if (sizeof record + count * sizeof(SeatRecord) > block.capacity) continue;
    std::vector<SeatRecord> seats(count);
    arena.read(block.offset + sizeof record, seats);
    if (!is_unchanged(arena, block)) continue;

    Pool pool;
    pool.block = block.index;
    pool.time = block.owner.sequence();
    pool.closing = record.closing.load(std::memory_order_relaxed) != 0;
    pool.workers_asleep = record.workers.word.load(std::memory_order_relaxed) & sync::kSleeperCount;
    pool.tasks = record.tasks.index;
    pool.answers = record.answers.index;
    pool.seats.reserve(count);
    for (const SeatRecord& seat : seats) pool.seats.push_back(seat_in(seat, members));
    pool.holders = block.holders;
    pools.push_back(std::move(pool));
  }
  return pools;
}

}  // namespace onecopy::inspect
