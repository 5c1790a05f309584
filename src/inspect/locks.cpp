#include "inspect/locks.hpp"

#include "memory/owner_lock.hpp"
#include "sync/lock.hpp"

namespace onecopy::inspect {

std::vector<HeldLock> read_held_locks(ArenaReader& arena, std::span<const Block> blocks,
                                      std::span<const Member> members) {
  std::vector<HeldLock> locks;
  for (const Block& block : blocks) {
    if (block.purpose != memory::Purpose::lock) continue;
    if (block.owner.state() != memory::OwnerState::shared) continue;
    sync::LockRecord record;
    arena.read(block.offset, record);
    const std::uint32_t word = record.owner.word.load(std::memory_order_relaxed);
    const std::uint32_t owner = word & ~memory::kLockContended;
    if (owner == 0) continue;
    const Member* const holder = named_by(owner, members);
    // One that nobody here could have taken: a word of a block that was given up meanwhile.
    if (holder == nullptr && owner != memory::kLockLeft) continue;
    HeldLock lock;
    lock.block = block.index;
    lock.time = block.owner.sequence();
    if (holder != nullptr) lock.holder = holder->slot;
    lock.waited_for = (word & memory::kLockContended) != 0;
    locks.push_back(lock);
  }
  return locks;
}

}  // namespace onecopy::inspect
