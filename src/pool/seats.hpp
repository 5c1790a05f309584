// What of a pool lies in shared memory besides its two channels: a seat for each worker, which says
// at which task it is. The page docs/layout/pool.md is this, in words.
//
// Only the worker in a seat writes to it; once it is dead, the parent. Anybody reads. A death
// between any two stores leaves a seat that names the task which the dead one had, or one that it
// was about to take, or had answered: which of these, the two channels tell (crew.hpp).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "channel/channel.hpp"
#include "memory/layout.hpp"
#include "sync/shared_record.hpp"
#include "sync/sleepers.hpp"

namespace onecopy::pool {

inline constexpr std::uint32_t kMostSeats = memory::kMaxMembers;

// What a worker spends its time on.
enum class Phase : std::uint8_t { waiting, receiving, computing, sending };
inline constexpr std::size_t kPhases = 4;

// Equation: `at` is 0, or a note of a task that is the next to be taken or was taken before; a task
// that is taken and not answered stands in the seat of the worker that has it. The other words are
// figures: each is changed by one store and means nothing to anybody's decision.
struct alignas(64) SeatRecord {
  channel::Notice at;
  std::atomic<std::uint64_t> taken;                       // tasks
  std::atomic<std::uint64_t> started;                     // monotonic nanoseconds
  std::array<std::atomic<std::uint64_t>, kPhases> spent;  // nanoseconds, by Phase
  std::atomic<std::uint32_t> worker;  // which member sits here (memory::lock_word); 0: none
};
static_assert(sizeof(SeatRecord) == 64 && alignof(SeatRecord) == 64, "no seat slows another");
static_assert(std::is_standard_layout_v<SeatRecord> && std::is_trivially_copyable_v<SeatRecord>);
static_assert(offsetof(SeatRecord, at) == 0 && offsetof(SeatRecord, taken) == 8 &&
              offsetof(SeatRecord, started) == 16 && offsetof(SeatRecord, spent) == 24 &&
              offsetof(SeatRecord, worker) == 56);

// The seats follow it. Equation: `closing` is 0 or 1, and 1 for ever once it is; `signal` has
// changed since any worker fell asleep on it that has cause to wake.
struct alignas(64) PoolRecord {
  std::atomic<std::uint32_t> closing;  // no task is put any more
  std::uint32_t seat_count;
  std::atomic<std::uint64_t> signal;  // its low half is the futex word of workers without a task
  sync::Sleepers workers;             // asleep on `signal`
  // For who looks from outside; set before anybody else knows the pool.
  channel::Name tasks;
  channel::Name answers;

  std::span<SeatRecord> seats() noexcept {
    return {reinterpret_cast<SeatRecord*>(this + 1), seat_count};
  }
};
static_assert(sizeof(PoolRecord) == 64 && alignof(PoolRecord) == 64);
static_assert(std::is_standard_layout_v<PoolRecord> && std::is_trivially_copyable_v<PoolRecord>);
static_assert(offsetof(PoolRecord, seat_count) == 4 && offsetof(PoolRecord, signal) == 8 &&
              offsetof(PoolRecord, workers) == 16 && offsetof(PoolRecord, tasks) == 20 &&
              offsetof(PoolRecord, answers) == 28);

using Seats = sync::SharedRecord<PoolRecord, memory::Purpose::pool>;

// 1 to kMostSeats of them.
Result<Seats> make_seats(std::uint32_t count);

// To be called after the store that is cause to wake, which must be sequentially consistent.
void wake_one_worker(PoolRecord& record) noexcept;
void wake_all_workers(PoolRecord& record) noexcept;

// Checks the equations above, but for who has what; `next` is the number of the next task to be
// taken. The text of the first that does not hold, or empty.
std::string validate(PoolRecord& record, std::uint32_t next);

}  // namespace onecopy::pool
