// How many sleep on a word, so that who changes the word makes no system call when nobody does.
//
// A zeroed Sleepers counts nobody. Any thread of any member may call. A sleeper that dies leaves
// its count behind: needless wakes, until reset() at the dead member's reclaim starts a new epoch;
// sleepers that slept through it look again at the end of their slice.
#pragma once

#include <atomic>
#include <cstdint>

namespace onecopy::sync {

//   epoch    count
//   31..16   15..0
struct Sleepers {
  std::atomic<std::uint32_t> word;
};
static_assert(sizeof(Sleepers) == 4);

inline constexpr std::uint32_t kSleeperEpoch = 0xffff0000u;

// Counts the caller; the answer goes to leave(). Sequentially consistent: pairs with anyone(), so
// that either the sleeper sees the changed word or the changer sees the sleeper.
inline std::uint32_t enter(Sleepers& sleepers) noexcept {
  return sleepers.word.fetch_add(1, std::memory_order_seq_cst) & kSleeperEpoch;
}

inline void leave(Sleepers& sleepers, std::uint32_t epoch) noexcept {
  // Relaxed: only a number; a reset in between has forgotten us already.
  std::uint32_t seen = sleepers.word.load(std::memory_order_relaxed);
  while ((seen & kSleeperEpoch) == epoch && (seen & ~kSleeperEpoch) != 0) {
    if (sleepers.word.compare_exchange_weak(seen, seen - 1, std::memory_order_relaxed)) return;
  }
}

// To be called after the change, which must itself be sequentially consistent or be followed by
// such a fence.
inline bool anyone(const Sleepers& sleepers) noexcept {
  return (sleepers.word.load(std::memory_order_seq_cst) & ~kSleeperEpoch) != 0;
}

inline void reset(Sleepers& sleepers) noexcept {
  std::uint32_t seen = sleepers.word.load(std::memory_order_relaxed);
  while (!sleepers.word.compare_exchange_weak(seen, (seen & kSleeperEpoch) + 0x10000u,
                                              std::memory_order_seq_cst)) {
  }
}

}  // namespace onecopy::sync
