#include "memory/reclaim.hpp"

#include <atomic>

#include "memory/books.hpp"
#include "memory/family.hpp"
#include "memory/frozen.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"

namespace onecopy::memory {
namespace {

std::atomic<ReclaimHook> reclaim_hook{nullptr};

// Parts before heads: while a part names its head, the head is not free.
void free_blocks_of(std::uint32_t slot) noexcept {
  const OwnerWord dead = OwnerWord::held(slot);
  const std::uint32_t count = header().block_count.load(std::memory_order_acquire);
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

void reclaim_member(std::uint32_t slot, std::uint32_t generation) noexcept {
  if (ReclaimHook hook = reclaim_hook.load(std::memory_order_acquire)) hook(slot, generation);
  free_blocks_of(slot);
  release_frozen_of_dead(slot);
  // Taken over here, so that no word with this name is left when the slot is used again.
  for (OwnerLock* held : {&header().books, &header().members}) {
    if (!lock_of_dead(*held, slot, generation)) continue;
    if (held == &header().books) rebuild_books();
    unlock(*held);
  }
  vacate(slot, generation);
}

}  // namespace

void set_reclaim_hook(ReclaimHook hook) noexcept {
  reclaim_hook.store(hook, std::memory_order_release);
}

void reclaim_place(Ticket ticket) noexcept {
  static_cast<void>(lock(header().reclaiming));
  if (is_taken(ticket.slot) && generation_of(ticket.slot) == ticket.generation) {
    reclaim_member(ticket.slot, ticket.generation);
  }
  unlock(header().reclaiming);
}

std::uint32_t reclaim_dead() noexcept {
  if (!in_family()) return 0;
  // Every step can be done again: a lock taken over from the dead needs no repair.
  static_cast<void>(lock(header().reclaiming));
  std::uint32_t found = 0;
  const std::uint32_t high = header().member_high_water.load(std::memory_order_acquire);
  for (std::uint32_t slot = 0; slot < high; ++slot) {
    const std::uint32_t generation = generation_of(slot);
    if (!is_taken(slot) || slot == self() || is_living(slot)) continue;
    reclaim_member(slot, generation);
    ++found;
  }
  unlock(header().reclaiming);
  return found;
}

}  // namespace onecopy::memory
