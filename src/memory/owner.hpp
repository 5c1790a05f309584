// Reading and changing whose a block is.
//
// Any thread of any member may ask. Who owns a block changes its owner, without any lock, where
// owner_word.hpp says so; where two may try, they exchange. Each change is one store: a death comes
// before it or after it.
//
// Release and acquire pair with each other here: who learns that it owns a block sees all that the
// owner before wrote about it and into it.
#pragma once

#include <atomic>
#include <cstdint>

#include "memory/local.hpp"
#include "memory/owner_word.hpp"

namespace onecopy::memory {

inline void set_owner(BlockIndex block, OwnerWord owner) noexcept {
  block_record(block).owner.store(owner.bits(), std::memory_order_release);
}

inline OwnerWord owner_of(BlockIndex block) noexcept {
  return OwnerWord(block_record(block).owner.load(std::memory_order_acquire));
}

// What it is for: who holds it says so, before it gives it to others. Relaxed: seen with the owner
// word, or under the lock on the books.
inline void set_purpose(BlockIndex block, Purpose purpose) noexcept {
  block_record(block).purpose.store(purpose, std::memory_order_relaxed);
}

inline Purpose purpose_of(BlockIndex block) noexcept {
  return block_record(block).purpose.load(std::memory_order_relaxed);
}

// One exchange; false, and nothing changed, where the block is not `from`'s any more.
inline bool change_owner(BlockIndex block, OwnerWord from, OwnerWord to) noexcept {
  std::uint64_t expected = from.bits();
  return block_record(block).owner.compare_exchange_strong(
      expected, to.bits(), std::memory_order_acq_rel, std::memory_order_acquire);
}

}  // namespace onecopy::memory
