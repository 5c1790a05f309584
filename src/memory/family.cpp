#include "memory/family.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "memory/arena.hpp"
#include "memory/frozen.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/reclaim.hpp"
#include "memory/shared.hpp"
#include "os/fork_hooks.hpp"

namespace onecopy::memory {
namespace {

std::mutex joining;
// The place of the child that is being forked, and its guard; under the mutexes that a fork holds.
Ticket unborn;
os::Descriptor unborn_guard;

// Closes a guard. Where the program closed it before us the number may be a file of its own.
void let_go(os::Descriptor& guard) noexcept {
  if (guard && !is_arena(guard.get())) static_cast<void>(guard.release());
  guard.reset();
}

void before_fork() {
  joining.lock();
  local().handles_mutex.lock();
  local().views_mutex.lock();
  unborn = {};
  if (!in_family()) return;
  const auto place = reserve(local().slot, &unborn_guard);
  if (!place) return;  // the child will be no member, and told so when it uses the engine
  unborn = *place;
  // No descriptor was free: the child gets this process's own guard.
  if (!unborn_guard && move_guard(local().guard, local().slot, unborn.slot)) {
    unborn_guard = std::move(local().guard);
  }
  ledger_copy(Ledger::channels, local().slot, unborn.slot);
  share_holds(unborn.slot);
  freeze_views(unborn.slot);
}

thread_local Ticket last_forked;

void after_fork_in_parent() {
  last_forked = unborn;
  let_go(unborn_guard);
  // The child got it; one number is free now. Without a guard of its own a process is known to live
  // by what it maps (member.cpp).
  if (in_family() && !local().guard) local().guard = guard_place(local().slot);
  local().views_mutex.unlock();
  local().handles_mutex.unlock();
  joining.unlock();
}

void become(Ticket place) noexcept {
  local().slot = place.slot;
  local().generation = place.generation;
  local().lock_word = lock_word(place.slot, place.generation);
}

void after_fork_in_child() {
  local().views_mutex.unlock();
  local().handles_mutex.unlock();
  joining.unlock();
  // Acquire: pairs with the release in join_family() and adopt().
  if (!local().mapped.load(std::memory_order_acquire)) return;
  let_go(local().guard);
  local().guard = std::move(unborn_guard);
  become(unborn);
  if (unborn.slot == kNoSlot) return;
  if (occupy(unborn)) {
    release_orphaned_views();
    return;
  }
  // The parent died and was reclaimed before this child came to life.
  become({});
  let_go(local().guard);
}

// Before `joining` is taken: a fork takes the C library's own lock first and ours in the hook.
void watch_forks() {
  os::register_fork_hooks(before_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace

Ticket self_ticket() noexcept { return {local().slot, local().generation}; }

Result<void> join_family() {
  if (in_family()) return {};
  watch_forks();
  const std::lock_guard guard(joining);
  if (in_family()) return {};
  if (local().mapped.load(std::memory_order_acquire)) {
    // It has no name to lock by, and what it inherited is its parent's.
    return Failure{Error::too_many, 0,
                   "this process was forked when its family was full (" +
                       std::to_string(kMaxMembers) +
                       " processes at a time), so it is no member of it"};
  }
  if (auto made = make_arena(); !made) return made;
  auto place = reserve(kNoSlot);
  if (!place) return std::move(place).failure();
  become(*place);
  occupy(*place);
  local().guard = guard_place(place->slot);
  // Release: pairs with in_family(); everything above is in place.
  local().mapped.store(true, std::memory_order_release);
  return {};
}

Result<int> family_descriptor() {
  if (auto done = join_family(); !done) return std::move(done).failure();
  if (arena_descriptor() < 0) {
    return Failure{Error::closed, 0,
                   "the arena's descriptor was closed by the program (closing a range of "
                   "descriptors?): no process can be started into the family any more"};
  }
  return local().file.descriptor();
}

Result<Ticket> reserve_place() {
  if (auto done = join_family(); !done) return std::move(done).failure();
  return reserve(local().slot);
}

void release_place(Ticket ticket) noexcept { reclaim_unborn(ticket); }

void forked(int pid) noexcept {
  const Ticket child = std::exchange(last_forked, Ticket{});
  if (child.slot == kNoSlot) return;
  if (pid < 0) {
    release_place(child);
  } else {
    name_newcomer(child, pid);
  }
}

Result<void> adopt(int descriptor, Ticket ticket) {
  watch_forks();
  const std::lock_guard guard(joining);
  if (in_family()) return {};
  if (auto arena = map_family(descriptor); !arena) return arena;
  become(ticket);
  if (ticket.slot >= kMaxMembers || !occupy(ticket)) {
    become({});
    unmap_arena();
    return Failure{Error::closed, 0,
                   "the place kept for this process was given up: its parent died"};
  }
  local().guard = guard_place(ticket.slot);
  // Release: as above.
  local().mapped.store(true, std::memory_order_release);
  return {};
}

}  // namespace onecopy::memory
