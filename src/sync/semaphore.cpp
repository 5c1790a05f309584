#include "sync/semaphore.hpp"

#include <algorithm>
#include <utility>

#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/reclaim.hpp"
#include "os/futex.hpp"

namespace onecopy::sync {
namespace {

SemaphoreMember& mine(SemaphoreRecord& record) noexcept { return record.members[memory::self()]; }

// With the lock, as all down to the next line. How many sleepers to wake once it is released.
int announce(SemaphoreRecord& record, std::uint32_t freed) noexcept {
  const std::uint32_t asleep = get(record.asleep);
  if (asleep == 0 || freed == 0) return 0;
  put(record.signal, get(record.signal) + 1);
  return static_cast<int>(std::min(asleep, freed));
}

bool take(SemaphoreRecord& record, Name name) noexcept {
  if (get(record.value) <= 0) return false;
  if (name == Name::mine || get(record.bounded) != 0) {
    put(mine(record).held, get(mine(record).held) + 1);
  } else {
    put(record.total, get(record.total) - 1);
  }
  put(record.value, get(record.value) - 1);
  return true;
}

Taken tell(SemaphoreRecord& record) noexcept {
  if (get(record.untold) == 0) return Taken::yes;
  put(record.untold, 0);
  return Taken::from_dead;
}

// A unit in somebody else's name; there is one.
std::atomic<std::uint32_t>& held_by_other(SemaphoreRecord& record) noexcept {
  memory::Slot slot = 0;
  while (get(record.members[slot].held) == 0) ++slot;
  return record.members[slot].held;
}

bool give_back(SemaphoreRecord& record) noexcept {
  if (get(record.value) >= get(record.maximum)) {
    // A process that was to give back what a dead one had taken comes too late.
    if (get(record.forgiven) == 0) return false;
    put(record.forgiven, get(record.forgiven) - 1);
    return true;
  }
  if (auto& held = mine(record).held; get(held) != 0) {
    put(held, get(held) - 1);
  } else if (get(record.bounded) == 0 || get(record.total) < get(record.maximum)) {
    put(record.total, get(record.total) + 1);
  } else {
    auto& others = held_by_other(record);
    put(others, get(others) - 1);
  }
  put(record.value, get(record.value) + 1);
  return true;
}

// How many sleepers to wake for what was a dead member's.
int give_back_of(SemaphoreRecord& record, memory::Slot dead) noexcept {
  SemaphoreMember& member = record.members[dead];
  const std::uint32_t held = get(member.held);
  if (held == 0) return 0;
  const std::int32_t pid = memory::pid_of(dead);
  // Before the units are free: who gets one is told.
  put(record.last_dead, pid);
  put(record.untold, pid);
  put(member.held, 0);
  if (get(record.bounded) != 0) put(record.forgiven, get(record.forgiven) + held);
  record.repair();
  return announce(record, held);
}

// -------------------------------------------------------------------------------------------------

void wake(SemaphoreRecord& record, int sleepers) noexcept {
  if (sleepers > 0) os::futex_wake(&record.signal, sleepers);
}

// Gives back the units of members that were killed and are not reclaimed yet.
void look_for_dead_holders(SemaphoreRecord& record) noexcept {
  for (memory::Slot slot = 0; slot < memory::member_count(); ++slot) {
    if (get(record.members[slot].held) == 0) continue;
    const std::uint32_t generation = memory::generation_of(slot);
    if (memory::lives_as(slot, generation)) continue;
    int woken = 0;
    {
      const Guard guard(record);
      // Who is there in another generation has other units: those that we saw are back.
      if (memory::generation_of(slot) == generation) woken = give_back_of(record, slot);
    }
    wake(record, woken);
  }
}

void forget_dead(SemaphoreRecord& record, memory::Ticket dead) noexcept {
  SemaphoreMember& member = record.members[dead.slot];
  if (get(member.held) == 0 && get(member.asleep) == 0 && !is_locked_by(record, dead)) {
    return;
  }
  int woken = 0;
  {
    const Guard guard(record);
    put(member.asleep, 0);
    record.repair();
    woken = give_back_of(record, dead.slot);
  }
  wake(record, woken);
}

[[maybe_unused]] const bool hooked =
    forget_the_dead<SemaphoreRecord, memory::Purpose::semaphore, forget_dead>();

void leave_units_in(std::byte* data, const void*) noexcept {
  auto& record = *reinterpret_cast<SemaphoreRecord*>(data);
  if (get(mine(record).held) == 0) return;
  const Guard guard(record);
  // In this order: a death in between leaves units of the dead that come back to nobody.
  put(record.total, get(record.total) - get(mine(record).held));
  put(mine(record).held, 0);
}

}  // namespace

void SemaphoreRecord::repair() noexcept {
  std::int64_t held = 0;
  std::uint32_t sleeping = 0;
  for (memory::Slot slot = 0; slot < memory::member_count(); ++slot) {
    held += get(members[slot].held);
    sleeping += get(members[slot].asleep);
  }
  put(value, static_cast<std::int32_t>(get(total) - held));
  put(asleep, sleeping);
}

Semaphore::Semaphore(Record record)
    : record_(std::move(record)), spins_(std::make_unique<SpinBudget>()) {}

Result<Semaphore> Semaphore::create(std::int32_t value, std::int32_t maximum, bool bounded) {
  auto record = Record::create();
  if (!record) return std::move(record).failure();
  SemaphoreRecord& made = **record;
  put(made.maximum, maximum);
  put(made.bounded, bounded ? 1 : 0);
  put(made.total, value);
  put(made.value, value);
  return Semaphore(std::move(*record));
}

Result<Semaphore> Semaphore::create(std::int32_t value) { return create(value, kMost, false); }

Result<Semaphore> Semaphore::create_bounded(std::int32_t value) {
  return create(value, value, true);
}

Result<Semaphore> Semaphore::open(memory::SharedName name) {
  auto record = Record::open(name);
  if (!record) return std::move(record).failure();
  return Semaphore(std::move(*record));
}

Taken Semaphore::try_acquire(Name name) noexcept {
  {
    const Guard guard(*record_);
    if (take(*record_, name)) return tell(*record_);
  }
  // Who asks again and again without waiting shall not ask the dead for ever.
  memory::look_for_dead();
  return Taken::timed_out;
}

Taken Semaphore::acquire(Name name, Slices& slices) noexcept {
  SemaphoreRecord& record = *record_;
  spins_->spin([&] { return get(record.value) > 0; }, slices.end());
  for (;;) {
    std::uint32_t seen = 0;
    {
      const Guard guard(record);
      if (take(record, name)) return tell(record);
      seen = get(record.signal);
      put(mine(record).asleep, get(mine(record).asleep) + 1);
      put(record.asleep, get(record.asleep) + 1);
    }
    const os::FutexWait slept = os::futex_wait(&record.signal, seen, slices.end());
    trace::add(trace::Counter::sleeps, 1);
    {
      const Guard guard(record);
      put(mine(record).asleep, get(mine(record).asleep) - 1);
      put(record.asleep, get(record.asleep) - 1);
      // However the sleep ended: a wake that was ours must not be lost.
      if (take(record, name)) return tell(record);
    }
    const bool over = slices.has_expired();
    if (!over && !slices.next() && slept != os::FutexWait::interrupted) continue;
    if (record.turn.take()) look_for_dead_holders(record);
    return over ? Taken::timed_out : Taken::again;
  }
}

bool Semaphore::release() noexcept {
  SemaphoreRecord& record = *record_;
  int woken = 0;
  {
    const Guard guard(record);
    const std::int32_t before = get(record.value);
    if (!give_back(record)) return false;
    woken = announce(record, get(record.value) != before ? 1 : 0);
  }
  wake(record, woken);
  return true;
}

std::int32_t Semaphore::value() const noexcept { return std::max(get(record_->value), 0); }

std::string Semaphore::validate() const {
  SemaphoreRecord& record = *record_;
  const Guard guard(record);
  std::int64_t held = 0;
  std::uint32_t asleep = 0;
  for (memory::Slot slot = 0; slot < memory::member_count(); ++slot) {
    const SemaphoreMember& member = record.members[slot];
    if (!memory::is_taken(slot) && (get(member.held) != 0 || get(member.asleep) != 0)) {
      return "a semaphore knows of a member whose place is free";
    }
    held += get(member.held);
    asleep += get(member.asleep);
  }
  if (get(record.value) != get(record.total) - held) {
    return "a semaphore's value is not what is free";
  }
  if (get(record.asleep) != asleep) return "a semaphore counts sleepers that there are not";
  if (get(record.value) > get(record.maximum)) return "a semaphore has more than it may have";
  if (is_bounded() && get(record.total) > get(record.maximum)) {
    return "a bounded semaphore has more units than it was made with";
  }
  if (get(record.untold) != 0 && last_dead() == 0) {
    return "a semaphore has a death to tell of, and no dead process";
  }
  return {};
}

void leave_units_taken() noexcept {
  if (!memory::in_family()) return;
  memory::for_each_shared(memory::Purpose::semaphore, leave_units_in, nullptr);
}

}  // namespace onecopy::sync
