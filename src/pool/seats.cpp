#include "pool/seats.hpp"

#include "sync/wait.hpp"

namespace onecopy::pool {
namespace {

// A dead worker that slept is a sleeper no more; the living look again at the end of their slice.
void forget_sleepers(PoolRecord& record, memory::Ticket) noexcept {
  if (sync::anyone(record.workers)) sync::reset(record.workers);
}

[[maybe_unused]] const bool hooked =
    sync::forget_the_dead<PoolRecord, memory::Purpose::pool, forget_sleepers>();

// Sequentially consistent: who sleeps read the signal before it looked for a cause to stay awake,
// so it sees the cause, or the signal is another than the one it sleeps on.
void change_signal(PoolRecord& record) noexcept {
  record.signal.fetch_add(1, std::memory_order_seq_cst);
}

}  // namespace

Result<Seats> make_seats(std::uint32_t count) {
  auto seats = Seats::create(count * sizeof(SeatRecord));
  if (seats) (*seats)->seat_count = count;
  return seats;
}

void wake_one_worker(PoolRecord& record) noexcept {
  if (!sync::anyone(record.workers)) return;
  change_signal(record);
  sync::wake_one(record.signal, record.workers);
}

void wake_all_workers(PoolRecord& record) noexcept {
  change_signal(record);
  sync::wake_all(record.signal, record.workers);
}

std::string validate(PoolRecord& record, std::uint32_t next) {
  if (record.closing.load(std::memory_order_relaxed) > 1)
    return "a pool is neither open nor closed";
  if (record.seat_count == 0 || record.seat_count > kMostSeats) return "a pool has no such seats";
  for (SeatRecord& seat : record.seats()) {
    const std::uint64_t note = seat.at.load(std::memory_order_relaxed);
    const auto number = channel::number_in(note);
    if (!number) continue;
    if (note != channel::note_of(*number)) return "a seat has a note that nobody writes";
    if (static_cast<std::int32_t>(next - *number) < 0) {
      return "a seat names a task that nobody could take yet";
    }
  }
  return {};
}

}  // namespace onecopy::pool
