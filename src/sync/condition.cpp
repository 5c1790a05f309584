#include "sync/condition.hpp"

#include <utility>

#include "memory/family.hpp"
#include "memory/local.hpp"
#include "os/futex.hpp"

namespace onecopy::sync {
namespace {

using Seat = Condition::Seat;
constexpr Seat kNoSeat = kMostWaiters;
static_assert(kMostWaiters < 1u << 15, "a seat fits the note of what is being passed on");

bool is_waiting(const Waiter& waiter) noexcept {
  const WaiterState state = get(waiter.state);
  return state == WaiterState::waiting || state == WaiterState::asleep;
}

// The seats to wake once the lock is released.
class Wakes {
 public:
  void add(Seat seat) noexcept { seats_[count_++] = static_cast<std::uint16_t>(seat); }
  void wake(ConditionRecord& record) const noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) {
      os::futex_wake(&record.waiters[seats_[i]].state, 1);
    }
  }

 private:
  std::uint32_t count_ = 0;
  std::uint16_t seats_[kMostWaiters];
};

// With the lock, as all down to the next line.

// Who has waited longest of those with a ticket below `until`.
Seat longest_waiting(const ConditionRecord& record, std::uint64_t until) noexcept {
  Seat found = kNoSeat;
  const std::uint32_t count = get(record.high_water);
  for (Seat seat = 0; seat < count; ++seat) {
    const Waiter& waiter = record.waiters[seat];
    if (!is_waiting(waiter) || get(waiter.ticket) >= until) continue;
    if (found == kNoSeat || get(waiter.ticket) < get(record.waiters[found].ticket)) found = seat;
  }
  return found;
}

void notify(Waiter& waiter, Seat seat, std::uint64_t until, Wakes& wakes) noexcept {
  put(waiter.until, until);
  // An exchange: the waiter may be about to fall asleep. Release: it sees what we wrote before.
  const WaiterState before = waiter.state.exchange(WaiterState::notified);
  if (before == WaiterState::asleep) wakes.add(seat);
}

void pass_on(ConditionRecord& record, Seat from, Wakes& wakes) noexcept {
  const std::uint64_t until = get(record.waiters[from].until);
  const Seat to = longest_waiting(record, until);
  if (to != kNoSeat) {
    put(record.passing, (from + 1) << 16 | to);
    notify(record.waiters[to], to, until, wakes);
  }
  put(record.waiters[from].state, WaiterState::free);
  put(record.passing, 0);
}

// Frees the seats of a dead member.
void free_seats_of(ConditionRecord& record, std::uint32_t dead, Wakes& wakes) noexcept {
  const std::uint32_t count = get(record.high_water);
  // Those first that must not be notified in place of another.
  for (Seat seat = 0; seat < count; ++seat) {
    Waiter& waiter = record.waiters[seat];
    if (get(waiter.owner) == dead && is_waiting(waiter)) put(waiter.state, WaiterState::free);
  }
  for (Seat seat = 0; seat < count; ++seat) {
    const Waiter& waiter = record.waiters[seat];
    if (get(waiter.owner) == dead && get(waiter.state) == WaiterState::notified) {
      pass_on(record, seat, wakes);
    }
  }
}

// -------------------------------------------------------------------------------------------------

void free_seats(ConditionRecord& record, std::uint32_t dead) noexcept {
  Wakes wakes;
  {
    const Guard guard(record);
    free_seats_of(record, dead, wakes);
  }
  wakes.wake(record);
}

bool is_dead(std::uint32_t owner) noexcept {
  return !memory::lives_as(memory::slot_in_lock(owner), memory::generation_in_lock(owner));
}

// Passes on what was notified to the dead. Those who wait are not asked after: a notification that
// one of the dead gets is passed on in its turn.
void look_for_dead_notified(ConditionRecord& record) noexcept {
  const std::uint32_t count = get(record.high_water);
  for (bool found = true; found;) {
    found = false;
    for (Seat seat = 0; seat < count; ++seat) {
      const Waiter& waiter = record.waiters[seat];
      if (get(waiter.state) != WaiterState::notified) continue;
      const std::uint32_t owner = get(waiter.owner);
      if (owner == 0 || !is_dead(owner)) continue;
      free_seats(record, owner);
      found = true;
    }
  }
}

void forget_dead(ConditionRecord& record, memory::Ticket dead) noexcept {
  const std::uint32_t word = memory::lock_word(dead.slot, dead.generation);
  bool concerned = is_locked_by(record, dead);
  const std::uint32_t count = get(record.high_water);
  for (Seat seat = 0; seat < count && !concerned; ++seat) {
    concerned = get(record.waiters[seat].owner) == word;
  }
  if (concerned) free_seats(record, word);
}

[[maybe_unused]] const bool hooked =
    forget_the_dead<ConditionRecord, memory::Purpose::condition, forget_dead>();

}  // namespace

void ConditionRecord::repair() noexcept {
  const std::uint32_t note = get(passing);
  if (note == 0) return;
  // Who it was passed to may not have been notified yet; nobody has come back meanwhile.
  Waiter& to = waiters[note & 0xffff];
  Waiter& from = waiters[(note >> 16) - 1];
  if (get(from.state) == WaiterState::notified && is_waiting(to)) {
    put(to.until, get(from.until));
    to.state.exchange(WaiterState::notified);
    // Whether it sleeps or not.
    os::futex_wake(&to.state, 1);
  }
  put(from.state, WaiterState::free);
  put(passing, 0);
}

Condition::Condition(Record record)
    : record_(std::move(record)), spins_(std::make_unique<SpinBudget>()) {}

Result<Condition> Condition::create() {
  auto record = Record::create();
  if (!record) return std::move(record).failure();
  return Condition(std::move(*record));
}

Result<Condition> Condition::open(memory::SharedName name) {
  auto record = Record::open(name);
  if (!record) return std::move(record).failure();
  return Condition(std::move(*record));
}

Result<Seat> Condition::enter() {
  ConditionRecord& record = *record_;
  for (const bool last : {false, true}) {
    {
      const Guard guard(record);
      const std::uint32_t count = get(record.high_water);
      Seat seat = 0;
      while (seat < count && get(record.waiters[seat].state) != WaiterState::free) ++seat;
      if (seat < kMostWaiters) {
        Waiter& waiter = record.waiters[seat];
        const std::uint64_t ticket = get(record.tickets);
        put(record.tickets, ticket + 1);
        put(waiter.owner, memory::local().lock_word);
        put(waiter.ticket, ticket);
        if (seat == count) put(record.high_water, seat + 1);
        put(waiter.state, WaiterState::waiting);
        return seat;
      }
    }
    // The dead may have seats still.
    if (!last) memory::reclaim_dead();
  }
  return Failure{Error::too_many, 0,
                 "a condition has room for " + std::to_string(kMostWaiters) + " waiters at a time"};
}

Waited Condition::wait(Seat seat, Slices& slices) noexcept {
  ConditionRecord& record = *record_;
  std::atomic<WaiterState>& state = record.waiters[seat].state;
  // Acquire: pairs with the exchange of who notifies.
  const auto notified = [&] {
    return state.load(std::memory_order_acquire) == WaiterState::notified;
  };
  if (spins_->spin(notified, slices.end())) return Waited::done;
  for (;;) {
    // Relaxed: only announces a sleeper; the futex compares the word again.
    WaiterState seen = WaiterState::waiting;
    state.compare_exchange_strong(seen, WaiterState::asleep, std::memory_order_relaxed);
    if (notified()) return Waited::done;
    if (slices.has_expired()) return Waited::timed_out;
    const os::FutexWait slept =
        os::futex_wait(&state, static_cast<std::uint32_t>(WaiterState::asleep), slices.end());
    trace::add(trace::Counter::sleeps, 1);
    if (notified()) return Waited::done;
    const bool over = slices.has_expired();
    if (!over && !slices.next() && slept != os::FutexWait::interrupted) continue;
    if (record.turn.take()) look_for_dead_notified(record);
    return over ? Waited::timed_out : Waited::again;
  }
}

bool Condition::give_up(Seat seat) noexcept {
  const Guard guard(*record_);
  if (!is_waiting(record_->waiters[seat])) return true;
  put(record_->waiters[seat].state, WaiterState::free);
  return false;
}

void Condition::leave(Seat seat) noexcept {
  const Guard guard(*record_);
  put(record_->waiters[seat].state, WaiterState::free);
}

void Condition::abandon(Seat seat) noexcept {
  Wakes wakes;
  {
    const Guard guard(*record_);
    if (is_waiting(record_->waiters[seat])) {
      put(record_->waiters[seat].state, WaiterState::free);
    } else {
      pass_on(*record_, seat, wakes);
    }
  }
  wakes.wake(*record_);
}

void Condition::notify(std::uint32_t most) noexcept {
  ConditionRecord& record = *record_;
  Wakes wakes;
  {
    const Guard guard(record);
    const std::uint64_t until = get(record.tickets);
    for (std::uint32_t i = 0; i < most; ++i) {
      const Seat seat = longest_waiting(record, until);
      if (seat == kNoSeat) break;
      sync::notify(record.waiters[seat], seat, until, wakes);
    }
  }
  wakes.wake(record);
}

std::uint32_t Condition::waiting() const noexcept {
  std::uint32_t count = 0;
  for (Seat seat = 0; seat < get(record_->high_water); ++seat) {
    if (is_waiting(record_->waiters[seat])) ++count;
  }
  return count;
}

std::string Condition::validate() const {
  const Guard guard(*record_);
  if (get(record_->passing) != 0) return "a condition is passing on a notification";
  for (Seat seat = 0; seat < kMostWaiters; ++seat) {
    const Waiter& waiter = record_->waiters[seat];
    if (get(waiter.state) == WaiterState::free) continue;
    if (seat >= get(record_->high_water)) return "a condition has a waiter beyond its last seat";
    if (get(waiter.ticket) >= get(record_->tickets)) return "a waiter has a ticket of later";
    if (!memory::is_taken(memory::slot_in_lock(get(waiter.owner)))) {
      return "a condition has a waiter whose place in the family is free";
    }
  }
  return {};
}

}  // namespace onecopy::sync
