#include "memory/owner_lock.hpp"

#include <algorithm>

#include "memory/local.hpp"
#include "memory/member.hpp"
#include "os/cpu.hpp"
#include "os/futex.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint32_t kOwner = kLockContended - 1;
constexpr int kSpins = 200;
// After so long a waiter asks whether the owner lives: soon at first, as a death is to cost others
// little, then ever more seldom.
constexpr os::Nanoseconds kFirstSlice = 2 * os::kMillisecond;
constexpr os::Nanoseconds kLongestSlice = 50 * os::kMillisecond;

bool owner_is_dead(std::uint32_t word) noexcept {
  return (word & kOwner) != kLockLeft && !lives_as(slot_in_lock(word), generation_in_lock(word));
}

// Acquire: pairs with the release in unlock(), so that what the last owner wrote is seen.
// Sequentially consistent, as a gate asks for (sync/gate.hpp).
bool take(OwnerLock& lock, std::uint32_t& seen, std::uint32_t wanted) noexcept {
  return lock.word.compare_exchange_strong(seen, wanted, std::memory_order_seq_cst,
                                           std::memory_order_relaxed);
}

bool spin(OwnerLock& lock, std::uint32_t me) noexcept {
  for (int i = 0; i < kSpins; ++i) {
    // A stale read is harmless: the exchange decides.
    std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
    if (seen == 0 && take(lock, seen, me)) return true;
    os::pause();
  }
  return false;
}

Acquired wait(OwnerLock& lock, os::Deadline deadline, bool interruptible,
              std::int32_t& dead) noexcept {
  if (try_lock(lock) == Acquired::clean) return Acquired::clean;
  const std::uint32_t me = local().lock_word;
  std::uint32_t watched = 0;  // the word that the slices were begun for
  os::Nanoseconds length = kFirstSlice;
  os::Deadline slice = os::Deadline::never();
  os::Deadline look = os::Deadline::never();  // set before the first sleep
  for (;;) {
    std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
    if ((seen & kOwner) == 0) {
      // Others may sleep still: stay contended, so that our unlock wakes the next.
      if (take(lock, seen, me | kLockContended)) return Acquired::clean;
      continue;
    }
    // Who has slept may have been woken in another's place, and have lost the lock to a third: it
    // leaves the word contended, so that the unlock to come wakes the other.
    const bool owes_a_wake = watched != 0 && (seen & kLockContended) == 0;
    if (!owes_a_wake && deadline.expired()) return Acquired::busy;
    if (!owes_a_wake && look.expired()) return Acquired::interrupted;
    if ((seen & kLockContended) == 0) {
      // Relaxed: only announces a sleeper; the futex compares the word again.
      if (!lock.word.compare_exchange_weak(seen, seen | kLockContended, std::memory_order_relaxed,
                                           std::memory_order_relaxed)) {
        continue;
      }
      seen |= kLockContended;
    }
    if (seen != watched) {
      watched = seen;
      length = kFirstSlice;
      slice = os::Deadline::after(length);
      if (interruptible && look.is_never()) look = os::Deadline::after(kLongestSlice);
    }
    const auto until = os::Deadline::at(std::min({slice.when(), deadline.when(), look.when()}));
    const bool interrupted = os::futex_wait(&lock.word, seen, until) == os::FutexWait::interrupted;
    // Signals may come faster than slices end: a caller that is sent away asks first, and one that
    // is not goes by the time alone.
    const bool leaving = interrupted && interruptible;
    if (!leaving && !slice.expired()) continue;
    if (owner_is_dead(seen)) {
      // Before the exchange: while the word names it, its place is not given to another.
      dead = pid_of(slot_in_lock(seen));
      if (take(lock, seen, me | kLockContended)) return Acquired::from_dead;
    }
    if (leaving) return Acquired::interrupted;
    length = std::min(2 * length, kLongestSlice);
    slice = os::Deadline::after(length);
  }
}

}  // namespace

Acquired try_lock(OwnerLock& lock) noexcept {
  const std::uint32_t me = local().lock_word;
  std::uint32_t seen = 0;
  if (take(lock, seen, me)) return Acquired::clean;
  return spin(lock, me) ? Acquired::clean : Acquired::busy;
}

Acquired lock(OwnerLock& lock) noexcept {
  std::uint32_t seen = 0;
  if (take(lock, seen, local().lock_word)) return Acquired::clean;
  std::int32_t dead = 0;
  return wait(lock, os::Deadline::never(), false, dead);
}

Acquired lock_until(OwnerLock& lock, os::Deadline deadline, std::int32_t& dead) noexcept {
  return wait(lock, deadline, true, dead);
}

Acquired lock_if_free_or_dead(OwnerLock& lock) noexcept {
  if (try_lock(lock) == Acquired::clean) return Acquired::clean;
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  if ((seen & kOwner) == 0 || !owner_is_dead(seen)) return Acquired::busy;
  return take(lock, seen, local().lock_word | kLockContended) ? Acquired::from_dead
                                                              : Acquired::busy;
}

bool lock_of_dead(OwnerLock& lock, Slot slot, std::uint32_t generation) noexcept {
  const std::uint32_t dead = lock_word(slot, generation);
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  while ((seen & kOwner) == dead) {
    if (take(lock, seen, local().lock_word | kLockContended)) return true;
  }
  return false;
}

void unlock(OwnerLock& lock) noexcept {
  // Release: pairs with take(). A death right after the exchange loses the wake; the sleeper looks
  // again at the end of its slice.
  const std::uint32_t before = lock.word.exchange(0, std::memory_order_release);
  if ((before & kLockContended) != 0) os::futex_wake(&lock.word, 1);
}

void leave_locked(OwnerLock& lock) noexcept {
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  while ((seen & kOwner) == local().lock_word) {
    const std::uint32_t left = kLockLeft | (seen & kLockContended);
    // Release: whoever unlocks it passes on what we wrote under it.
    if (lock.word.compare_exchange_weak(seen, left, std::memory_order_release,
                                        std::memory_order_relaxed)) {
      return;
    }
  }
}

bool unlock_of(OwnerLock& lock, Slot slot, std::uint32_t generation) noexcept {
  const std::uint32_t owner = lock_word(slot, generation);
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  while ((seen & kOwner) == owner) {
    // Acquire and release: passes on what the owner wrote.
    if (!lock.word.compare_exchange_weak(seen, 0, std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
      continue;
    }
    if ((seen & kLockContended) != 0) os::futex_wake(&lock.word, 1);
    return true;
  }
  return false;
}

bool unlock_of_anyone(OwnerLock& lock) noexcept {
  // Acquire and release: passes on what the owner wrote, as unlock() does.
  const std::uint32_t before = lock.word.exchange(0, std::memory_order_acq_rel);
  if ((before & kLockContended) != 0) os::futex_wake(&lock.word, 1);
  return (before & kOwner) != 0;
}

// Sequentially consistent and an acquire, as a gate asks for (sync/gate.hpp); others get an answer
// that is old anyway.
bool is_locked(const OwnerLock& lock) noexcept {
  return (lock.word.load(std::memory_order_seq_cst) & kOwner) != 0;
}

// Relaxed: only this process makes the word its own.
bool is_mine(const OwnerLock& lock) noexcept {
  return (lock.word.load(std::memory_order_relaxed) & kOwner) == local().lock_word;
}

}  // namespace onecopy::memory
