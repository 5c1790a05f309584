// A futex mutex whose word names its owner, so that whoever waits can ask whether the owner lives,
// and take over when not. The engine's own lock, for its books, and what users' locks are made of.
//
// Any thread of any member may lock; the thread that locked unlocks. The engine holds one for tens
// to some hundreds of nanoseconds and never while user code runs; users hold theirs (sync/lock.hpp)
// for as long as they like, through the calls behind unlock(). A death while holding it is found by
// the next who waits (after 2 ms; after 50 at the most where it died later), who gets it with
// Acquired::from_dead and must repair what the lock guards before using it. A death while waiting
// leaves nothing but one needless wake. A stopped (SIGSTOP) owner is alive: others wait.
//
// All zero is unlocked.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "memory/index.hpp"
#include "os/clock.hpp"

namespace onecopy::memory {

//   contended  generation  slot + 1
//   31         30..11      10..0       0: nobody
// Equation: the owner's bits are 0, name a member that lives, or one that is dead and not reclaimed
// yet, or are kLockLeft;
// whoever may sleep for the lock saw `contended` set, or set it. The generation is cut: a dead
// owner's word is found and cleared when that member is reclaimed, long before its slot has been
// used a million times more.
struct OwnerLock {
  std::atomic<std::uint32_t> word;
};
static_assert(sizeof(OwnerLock) == 4 && alignof(OwnerLock) == 4);
static_assert(std::is_standard_layout_v<OwnerLock> && std::is_trivially_copyable_v<OwnerLock>);

inline constexpr std::uint32_t kLockSlotBits = 11;
inline constexpr std::uint32_t kLockGenerationBits = 20;
inline constexpr std::uint32_t kLockContended = 1u << (kLockSlotBits + kLockGenerationBits);
static_assert(kLockContended == 1u << 31);

enum class Acquired : std::uint8_t {
  clean,
  from_dead,    // the owner died: repair first
  busy,         // not from lock()
  interrupted,  // a signal came, or may have, unseen; from lock_until() only
};

// As much of a generation as a lock's word holds.
constexpr std::uint32_t cut_generation(std::uint32_t generation) {
  return generation & ((1u << kLockGenerationBits) - 1);
}
// The word of a member as owner.
constexpr std::uint32_t lock_word(Slot slot, std::uint32_t generation) {
  return (slot + 1) | (cut_generation(generation) << kLockSlotBits);
}
// The member in a word that is not nobody's.
constexpr Slot slot_in_lock(std::uint32_t word) { return (word & ((1u << kLockSlotBits) - 1)) - 1; }
constexpr std::uint32_t generation_in_lock(std::uint32_t word) {
  return cut_generation(word >> kLockSlotBits);
}

[[nodiscard]] Acquired lock(OwnerLock& lock) noexcept;
// The same until a deadline (then busy), a signal or the end of a slice, for locks that are held
// for longer. A signal that came just before the sleep wakes nobody: so the caller is to look for
// one after each slice, and to call again. With from_dead `dead` is the process of the owner that
// died.
[[nodiscard]] Acquired lock_until(OwnerLock& lock, os::Deadline deadline,
                                  std::int32_t& dead) noexcept;
// Spins shortly, then answers busy (also when the owner is dead).
[[nodiscard]] Acquired try_lock(OwnerLock& lock) noexcept;
// The same, but takes over from a dead owner; asks the kernel where the lock is not free.
[[nodiscard]] Acquired lock_if_free_or_dead(OwnerLock& lock) noexcept;
// Takes the lock if, and only if, that member (known to be dead) holds it.
[[nodiscard]] bool lock_of_dead(OwnerLock& lock, Slot slot, std::uint32_t generation) noexcept;
void unlock(OwnerLock& lock) noexcept;

// For locks that users hold (sync/lock.hpp): the word of an owner that ended without a violent
// death and left the lock held. It names nobody, so nobody takes the lock over.
inline constexpr std::uint32_t kLockLeft = (1u << kLockSlotBits) - 1;
// Puts that word in place of this process's own; nothing where it is not the owner.
void leave_locked(OwnerLock& lock) noexcept;
// Unlocks if, and only if, that member holds it.
bool unlock_of(OwnerLock& lock, Slot slot, std::uint32_t generation) noexcept;
// Unlocks whoever the owner is; false where nobody is.
bool unlock_of_anyone(OwnerLock& lock) noexcept;
bool is_locked(const OwnerLock& lock) noexcept;
bool is_mine(const OwnerLock& lock) noexcept;

}  // namespace onecopy::memory
