#include "sync/barrier.hpp"

#include <limits>
#include <utility>

#include "memory/family.hpp"
#include "memory/local.hpp"
#include "os/futex.hpp"

namespace onecopy::sync {
namespace {

constexpr std::uint32_t kAsleep = 1;
constexpr std::uint32_t kChange = 2;

std::atomic<std::uint32_t>& mine(BarrierRecord& record) noexcept {
  return record.inside[memory::self()];
}

// With the lock, as all down to the next line.

// What to sleep on for the next change.
std::uint32_t announce_sleep(BarrierRecord& record) noexcept {
  const std::uint32_t seen = get(record.signal) | kAsleep;
  put(record.signal, seen);
  return seen;
}

// Tells of a change. Whether sleepers are to be woken once the lock is released.
bool tell(BarrierRecord& record) noexcept {
  const std::uint32_t before = get(record.signal);
  put(record.signal, (before & ~kAsleep) + kChange);
  return (before & kAsleep) != 0;
}

bool is_emptying(const BarrierRecord& record) noexcept {
  const BarrierState state = get(record.state);
  return state == BarrierState::draining || state == BarrierState::resetting;
}

// `inside` has changed.
void count_again(BarrierRecord& record) noexcept {
  std::uint32_t count = 0;
  for (memory::Slot slot = 0; slot < memory::member_count(); ++slot) {
    count += get(record.inside[slot]);
  }
  put(record.count, count);
  if (count == 0 && is_emptying(record)) put(record.state, BarrierState::filling);
}

bool go(BarrierRecord& record) noexcept {
  if (get(mine(record)) == 0) return false;  // a fork child of who is inside
  put(mine(record), get(mine(record)) - 1);
  put(record.count, get(record.count) - 1);
  if (get(record.count) != 0 || !is_emptying(record)) return false;
  put(record.state, BarrierState::filling);
  return tell(record);
}

bool forget(BarrierRecord& record, memory::Ticket dead) noexcept {
  const bool acted = get(record.actor) == memory::lock_word(dead.slot, dead.generation);
  if (!acted && get(record.inside[dead.slot]) == 0) return false;
  // Where another acts, all have come.
  if (get(record.state) == BarrierState::filling && (acted || get(record.actor) == 0)) {
    put(record.state, BarrierState::broken);
  }
  if (acted) put(record.actor, 0);
  put(record.inside[dead.slot], 0);
  count_again(record);
  return tell(record);
}

// -------------------------------------------------------------------------------------------------

void wake(BarrierRecord& record, bool sleepers) noexcept {
  if (sleepers) os::futex_wake(&record.signal, std::numeric_limits<int>::max());
}

void look_for_dead_parties(BarrierRecord& record) noexcept {
  for (memory::Slot slot = 0; slot < memory::member_count(); ++slot) {
    if (get(record.inside[slot]) == 0) continue;
    const std::uint32_t generation = memory::generation_of(slot);
    if (memory::lives_as(slot, generation)) continue;
    bool sleepers = false;
    {
      const Guard guard(record);
      // Who is there in another generation has come itself: those that we saw are forgotten.
      if (memory::generation_of(slot) == generation) sleepers = forget(record, {slot, generation});
    }
    wake(record, sleepers);
  }
}

void forget_dead(BarrierRecord& record, memory::Ticket dead) noexcept {
  if (get(record.inside[dead.slot]) == 0 && !is_locked_by(record, dead)) return;
  bool sleepers = false;
  {
    const Guard guard(record);
    sleepers = forget(record, dead);
  }
  wake(record, sleepers);
}

[[maybe_unused]] const bool hooked =
    forget_the_dead<BarrierRecord, memory::Purpose::barrier, forget_dead>();

}  // namespace

void BarrierRecord::repair() noexcept { count_again(*this); }

Barrier::Barrier(Record record) : record_(std::move(record)), own_(std::make_unique<Own>()) {}

Result<Barrier> Barrier::create(std::uint32_t parties) {
  auto record = Record::create();
  if (!record) return std::move(record).failure();
  put((*record)->parties, parties);
  return Barrier(std::move(*record));
}

Result<Barrier> Barrier::open(memory::SharedName name) {
  auto record = Record::open(name);
  if (!record) return std::move(record).failure();
  return Barrier(std::move(*record));
}

// A slice at most.
Passage Barrier::sleep(std::uint32_t seen, Slices& slices) noexcept {
  std::atomic<std::uint32_t>& signal = record_->signal;
  const auto changed = [&] { return get(signal) != seen; };
  if (own_->spins.spin(changed, slices.end())) return Passage::again;
  const os::FutexWait slept = os::futex_wait(&signal, seen, slices.end());
  if (slept == os::FutexWait::changed) return Passage::again;
  trace::add(trace::Counter::sleeps, 1);
  const bool over = slices.next();
  if ((over || slept == os::FutexWait::interrupted) && record_->turn.take()) {
    look_for_dead_parties(*record_);
  }
  return Passage::again;
}

Passage Barrier::enter(Slices& slices, std::uint32_t& index) noexcept {
  BarrierRecord& record = *record_;
  // The last to come: nobody may have slept since one of the others died.
  if (get(record.count) + 1 == get(record.parties)) look_for_dead_parties(record);
  std::uint32_t seen = 0;
  {
    const Guard guard(record);
    if (get(record.actor) == 0 && !is_emptying(record)) {
      if (get(record.state) == BarrierState::broken) return Passage::broken;
      index = get(record.count);
      put(mine(record), get(mine(record)) + 1);
      put(record.count, index + 1);
      if (index + 1 != get(record.parties)) return Passage::waits;
      put(record.actor, memory::local().lock_word);
      own_->actor.store(std::this_thread::get_id(), std::memory_order_relaxed);
      return Passage::acts;
    }
    seen = announce_sleep(record);
  }
  return sleep(seen, slices);
}

Passage Barrier::wait(Slices& slices) noexcept {
  BarrierRecord& record = *record_;
  std::uint32_t seen = 0;
  Passage passage = Passage::again;
  bool sleepers = false;
  {
    const Guard guard(record);
    if (get(record.actor) == 0) {
      if (get(record.state) == BarrierState::filling && slices.has_expired()) {
        put(record.state, BarrierState::broken);
        sleepers = tell(record);
      }
      if (get(record.state) != BarrierState::filling) {
        passage = get(record.state) == BarrierState::draining ? Passage::passed : Passage::broken;
        if (go(record)) sleepers = true;
      }
    } else if (slices.has_expired()) {
      slices.wait_for_ever();  // all have come: it is for who acts to say what becomes of it
    }
    if (passage == Passage::again) seen = announce_sleep(record);
  }
  wake(record, sleepers);
  return passage == Passage::again ? sleep(seen, slices) : passage;
}

void Barrier::finish(bool well) noexcept {
  BarrierRecord& record = *record_;
  bool sleepers = false;
  {
    const Guard guard(record);
    if (!is_acting()) return;  // a fork child of who acts
    own_->actor.store({}, std::memory_order_relaxed);
    put(record.state, well ? BarrierState::draining : BarrierState::broken);
    put(record.actor, 0);
    sleepers = tell(record);
    if (go(record)) sleepers = true;
  }
  wake(record, sleepers);
}

void Barrier::leave() noexcept {
  bool sleepers = false;
  {
    const Guard guard(*record_);
    sleepers = go(*record_);
  }
  wake(*record_, sleepers);
}

void Barrier::look_for_dead() noexcept {
  if (count() != 0 && record_->turn.take()) look_for_dead_parties(*record_);
}

bool Barrier::is_acting() const noexcept {
  return get(record_->actor) == memory::local().lock_word &&
         own_->actor.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

template <class Change>
Passage Barrier::change(Slices& slices, const Change& change) noexcept {
  BarrierRecord& record = *record_;
  std::uint32_t seen = 0;
  bool sleepers = false;
  {
    const Guard guard(record);
    if (get(record.actor) == 0 || is_acting()) {
      put(record.state, change());
      sleepers = tell(record);
    } else {
      seen = announce_sleep(record);
    }
  }
  wake(record, sleepers);
  return seen == 0 ? Passage::passed : sleep(seen, slices);
}

Passage Barrier::abort(Slices& slices) noexcept {
  return change(slices, [] { return BarrierState::broken; });
}

Passage Barrier::reset(Slices& slices) noexcept {
  return change(slices, [this] {
    if (count() == 0) return BarrierState::filling;
    const bool empties = state() != BarrierState::draining;
    return empties ? BarrierState::resetting : BarrierState::draining;
  });
}

std::string Barrier::validate() const {
  const Guard guard(*record_);
  std::uint32_t inside = 0;
  for (memory::Slot slot = 0; slot < memory::member_count(); ++slot) {
    const std::uint32_t here = get(record_->inside[slot]);
    if (here != 0 && !memory::is_taken(slot)) return "a barrier has a party whose place is free";
    inside += here;
  }
  if (get(record_->count) != inside) return "a barrier counts parties that there are not";
  if (inside == 0 && is_emptying(*record_)) return "a barrier waits for nobody to leave";
  const std::uint32_t actor = get(record_->actor);
  if (actor != 0 && get(record_->inside[memory::slot_in_lock(actor)]) == 0) {
    return "a barrier has an actor that is not inside";
  }
  return {};
}

}  // namespace onecopy::sync
