#include "memory/reclaim.hpp"

#include <atomic>
#include <cstddef>

#include "memory/books.hpp"
#include "memory/family.hpp"
#include "memory/frozen.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/owner.hpp"
#include "memory/shared.hpp"
#include "os/clock.hpp"

namespace onecopy::memory {
namespace {

constexpr os::Nanoseconds kInterval = os::kSecond;

// Zeroed before any hook is added, whatever the order in which files are initialised.
constexpr std::size_t kMostHooks = 16;
std::atomic<ReclaimHook> hooks[kMostHooks];

// Parts before heads: while a part names its head, the head is not free.
void free_blocks_of(Slot slot) noexcept {
  const OwnerWord dead = OwnerWord::held(slot);
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    const OwnerWord owner = owner_of(block);
    if (owner.state() == OwnerState::part && owner_of(owner.head()) == dead) {
      Books().put_back(block);
    }
  }
  for (BlockIndex block = 0; block < count; ++block) {
    if (owner_of(block) == dead) Books().put_back(block);
  }
}

// Takes back what the member of a dead place held.
void reclaim_member(Ticket dead) noexcept {
  // First the locks that the work below needs, so that it need not wait for them; no word with this
  // name is left anywhere when the slot is used again.
  for (OwnerLock* held : {&header().books, &header().members}) {
    if (!lock_of_dead(*held, dead.slot, dead.generation)) continue;
    if (held == &header().books) rebuild_books();
    unlock(*held);
  }
  for (const auto& added : hooks) {
    // Acquire: pairs with the release in add_reclaim_hook().
    if (ReclaimHook hook = added.load(std::memory_order_acquire)) hook(dead.slot, dead.generation);
  }
  free_blocks_of(dead.slot);
  release_frozen_of_dead(dead.slot);
  release_shared_of_dead(dead.slot);
  vacate(dead);
}

// With the lock on reclaiming held. Every step can be done again: a lock taken over from the dead
// needs no repair.
std::uint32_t reclaim_all_dead() noexcept {
  std::uint32_t found = 0;
  const std::uint32_t high = member_count();
  for (Slot slot = 0; slot < high; ++slot) {
    if (slot == self()) continue;
    const auto dead = find_dead(slot);
    if (!dead) continue;
    reclaim_member(*dead);
    ++found;
  }
  return found;
}

}  // namespace

bool add_reclaim_hook(ReclaimHook hook) noexcept {
  for (auto& place : hooks) {
    ReclaimHook none = nullptr;
    if (place.compare_exchange_strong(none, hook, std::memory_order_release)) return true;
  }
  return false;
}

void reclaim_unborn(Ticket ticket) noexcept {
  if (!in_family()) return;
  static_cast<void>(lock(header().reclaiming));
  if (give_up(ticket)) reclaim_member(ticket);
  unlock(header().reclaiming);
}

std::uint32_t reclaim_dead() noexcept {
  if (!in_family()) return 0;
  static_cast<void>(lock(header().reclaiming));
  const std::uint32_t found = reclaim_all_dead();
  unlock(header().reclaiming);
  return found;
}

void look_for_dead() noexcept {
  if (!in_family()) return;
  // Relaxed: the exchange decides who looks; a stale read only skips or repeats a look.
  std::uint64_t last = header().looked_for_dead_at.load(std::memory_order_relaxed);
  const auto now = static_cast<std::uint64_t>(os::now());
  if (now - last < static_cast<std::uint64_t>(kInterval) ||
      !header().looked_for_dead_at.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
    return;
  }
  if (lock_if_free_or_dead(header().reclaiming) == Acquired::busy) return;
  reclaim_all_dead();
  unlock(header().reclaiming);
}

}  // namespace onecopy::memory
