// The engine's own lock, for its books: a futex mutex whose word names its owner, so that whoever
// waits can ask whether the owner lives, and take over when not.
//
// Any thread of any member may lock; the thread that locked unlocks. It is held for tens to some
// hundreds of nanoseconds and never while user code runs. A death while holding it is found by the
// next who waits (after 2 ms; after 50 at the most where it died later), who gets it with
// Acquired::from_dead and must repair what the lock guards before using it. A death while waiting
// leaves nothing but one needless wake. A stopped (SIGSTOP) owner is alive: others wait.
//
// All zero is unlocked.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace onecopy::memory {

//   contended  generation  member + 1
//   31         30..11      10..0        0: nobody
// The generation is cut to 20 bits: a dead owner's word is found and cleared when that member is
// reclaimed, long before its slot has been used a million times more.
struct OwnerLock {
  std::atomic<std::uint32_t> word;
};
static_assert(sizeof(OwnerLock) == 4 && std::is_standard_layout_v<OwnerLock>);

enum class Acquired : std::uint8_t {
  clean,
  from_dead,  // the owner died: repair first
  busy,       // not from lock()
};

// The word of a member as owner.
constexpr std::uint32_t lock_word(std::uint32_t slot, std::uint32_t generation) {
  return (slot + 1) | ((generation & 0xfffffu) << 11);
}

[[nodiscard]] Acquired lock(OwnerLock& lock) noexcept;
// Spins shortly, then answers busy (also when the owner is dead).
[[nodiscard]] Acquired try_lock(OwnerLock& lock) noexcept;
// The same, but takes over from a dead owner; asks the kernel where the lock is not free.
[[nodiscard]] Acquired lock_if_free_or_dead(OwnerLock& lock) noexcept;
// Takes the lock if, and only if, that member (known to be dead) holds it.
[[nodiscard]] bool lock_of_dead(OwnerLock& lock, std::uint32_t slot,
                                std::uint32_t generation) noexcept;
void unlock(OwnerLock& lock) noexcept;

// Whether this process holds it (some thread of it); for checks.
bool is_locked_by_self(const OwnerLock& lock) noexcept;

}  // namespace onecopy::memory
