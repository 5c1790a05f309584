// lock() and unlock() of owner_lock.hpp for who holds a lock for some tens of nanoseconds, for
// every message: the same, with the way that nearly all calls take in line.
#pragma once

#include "memory/local.hpp"
#include "memory/owner_lock.hpp"

namespace onecopy::memory {

[[nodiscard]] inline Acquired lock_briefly(OwnerLock& to_take) noexcept {
  std::uint32_t seen = 0;
  // Sequentially consistent and acquire, as in lock().
  if (to_take.word.compare_exchange_strong(seen, local().lock_word, std::memory_order_seq_cst,
                                           std::memory_order_relaxed)) [[likely]] {
    return Acquired::clean;
  }
  return lock(to_take);
}

inline void unlock_briefly(OwnerLock& held) noexcept {
  std::uint32_t mine = local().lock_word;
  // Release, as in unlock(), which does it where somebody waits.
  if (!held.word.compare_exchange_strong(mine, 0, std::memory_order_release,
                                         std::memory_order_relaxed)) [[unlikely]] {
    unlock(held);
  }
}

}  // namespace onecopy::memory
