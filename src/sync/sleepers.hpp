// How many sleep on a word, so that who changes the word makes no system call when nobody does.
//
// A zeroed Sleepers counts nobody. Any thread of any member may call. A sleeper that dies leaves
// its count behind: needless wakes, until reset() at the dead member's reclaim starts a new epoch;
// sleepers that slept through it look again at the end of their slice.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace onecopy::sync {

//   epoch    count
//   31..16   15..0
// Equation: `count` is at least the number of those alive who entered in this epoch and have not
// left.
struct Sleepers {
  std::atomic<std::uint32_t> word;
};
static_assert(sizeof(Sleepers) == 4 && alignof(Sleepers) == 4);
static_assert(std::is_standard_layout_v<Sleepers> && std::is_trivially_copyable_v<Sleepers>);

inline constexpr int kSleeperCountBits = 16;
inline constexpr std::uint32_t kNextSleeperEpoch = 1u << kSleeperCountBits;
inline constexpr std::uint32_t kSleeperCount = kNextSleeperEpoch - 1;
inline constexpr std::uint32_t kSleeperEpoch = ~kSleeperCount;

// Counts the caller; the answer goes to leave(). Sequentially consistent: pairs with anyone(), so
// that either the sleeper sees the changed word or the changer sees the sleeper.
inline std::uint32_t enter(Sleepers& sleepers) noexcept {
  return sleepers.word.fetch_add(1, std::memory_order_seq_cst) & kSleeperEpoch;
}

inline void leave(Sleepers& sleepers, std::uint32_t epoch) noexcept {
  // Relaxed: only a number; a reset in between has forgotten us already.
  std::uint32_t seen = sleepers.word.load(std::memory_order_relaxed);
  while ((seen & kSleeperEpoch) == epoch && (seen & kSleeperCount) != 0) {
    if (sleepers.word.compare_exchange_weak(seen, seen - 1, std::memory_order_relaxed)) return;
  }
}

// To be called after the change, which must itself be sequentially consistent or be followed by
// such a fence. Pairs with enter().
inline bool anyone(const Sleepers& sleepers) noexcept {
  return (sleepers.word.load(std::memory_order_seq_cst) & kSleeperCount) != 0;
}

// Forgets all sleepers, dead and alive; see above.
inline void reset(Sleepers& sleepers) noexcept {
  // A stale read is harmless: the exchange decides. It is sequentially consistent as in enter().
  std::uint32_t seen = sleepers.word.load(std::memory_order_relaxed);
  while (!sleepers.word.compare_exchange_weak(seen, (seen & kSleeperEpoch) + kNextSleeperEpoch,
                                              std::memory_order_seq_cst)) {
  }
}

}  // namespace onecopy::sync
