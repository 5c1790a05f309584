#include "memory/member.hpp"

#include <cstring>
#include <utility>

#include "memory/local.hpp"
#include "os/byte_lock.hpp"
#include "os/clock.hpp"
#include "os/process_maps.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint64_t kGrace = 10 * os::kSecond;
constexpr std::uint32_t kGenerationMask = 0xfffffu;

constexpr std::uint64_t make_state(std::uint32_t generation, Place place) {
  return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(place);
}
constexpr Place place_of(std::uint64_t state) { return static_cast<Place>(state & 0xffffffffu); }
constexpr std::uint32_t generation_in(std::uint64_t state) {
  return static_cast<std::uint32_t>(state >> 32);
}

// Acquire: pairs with the release that changed the place, so that its identity is seen.
std::uint64_t state_of(std::uint32_t slot) noexcept {
  return member_record(slot).state.load(std::memory_order_acquire);
}

// Nothing of a half reserved place is visible before its state is stored, so a lock taken over
// from a dead member needs no repair.
void lock_members() noexcept { static_cast<void>(lock(header().members)); }

std::uint32_t find_free() noexcept {
  const std::uint32_t high = header().member_high_water.load(std::memory_order_relaxed);
  for (std::uint32_t slot = 0; slot < high; ++slot) {
    if (place_of(state_of(slot)) == Place::free) return slot;
  }
  return high < kMaxMembers ? high : kNone;
}

// Acquire and release: who changes the place sees what was written about it before, and shows what
// he wrote himself.
bool change_state(Ticket ticket, Place from, Place to) noexcept {
  std::uint64_t expected = make_state(ticket.generation, from);
  return member_record(ticket.slot)
      .state.compare_exchange_strong(expected, make_state(ticket.generation, to),
                                     std::memory_order_acq_rel, std::memory_order_acquire);
}

// Whether anybody holds the byte that stands for a place; nothing where that cannot be told.
std::optional<bool> is_guard_held(std::uint32_t slot) noexcept {
  const int arena = arena_descriptor();
  if (arena < 0) return std::nullopt;
  const auto held = os::is_byte_held(arena, slot);
  if (!held) return std::nullopt;
  return *held;
}

// A process that called exec runs on without us, under the same identity. The guard alone proves
// nothing: programs close descriptors that they do not know.
bool has_left_by_exec(std::uint32_t slot, const MemberRecord& record) noexcept {
  // Acquire: pairs with the release in guard_place() and reserve().
  if (record.guarded.load(std::memory_order_acquire) == 0) return false;
  if (is_guard_held(slot).value_or(true)) return false;
  const auto mapped = os::has_mapped(record.identity.pid, local().file_identity);
  return mapped && !*mapped;
}

bool unborn_lives(std::uint32_t slot, const MemberRecord& record) noexcept {
  if (record.guarded.load(std::memory_order_acquire) != 0) {
    if (const auto held = is_guard_held(slot)) return *held;
  }
  // A child whose parent dies in this very moment may be about to occupy its place.
  return lives_as(record.reserver, record.reserver_generation) ||
         static_cast<std::uint64_t>(os::now()) - record.joined_at < kGrace;
}

// Whether the member of a place in that state lives, or is not born yet. Where the place changes
// meanwhile the answer means nothing: the caller looks at the state again.
bool lives_in(std::uint32_t slot, std::uint64_t state) noexcept {
  const MemberRecord& record = member_record(slot);
  switch (place_of(state)) {
    case Place::free:
    case Place::dead:
      return false;
    case Place::living:
      return os::is_alive(record.identity) && !has_left_by_exec(slot, record);
    case Place::reserved:
      // Acquire: pairs with the release in name_child().
      if (record.named.load(std::memory_order_acquire) != 0) return os::is_alive(record.identity);
      return unborn_lives(slot, record);
  }
  return true;
}

}  // namespace

bool is_living(std::uint32_t slot) noexcept {
  for (;;) {
    const std::uint64_t state = state_of(slot);
    const bool answer = lives_in(slot, state);
    if (state_of(slot) == state) return answer;
  }
}

bool is_taken(std::uint32_t slot) noexcept { return place_of(state_of(slot)) != Place::free; }

void mark_leaving(std::uint32_t slot) noexcept {
  member_record(slot).leaving.store(1, std::memory_order_release);
}

bool lives_as(std::uint32_t slot, std::uint32_t generation) noexcept {
  if (slot == local().slot && ((local().generation ^ generation) & kGenerationMask) == 0) {
    return true;
  }
  for (;;) {
    const std::uint64_t state = state_of(slot);
    if (((generation_in(state) ^ generation) & kGenerationMask) != 0) return false;
    const bool answer = lives_in(slot, state);
    if (state_of(slot) == state) return answer;
  }
}

std::optional<Ticket> find_dead(std::uint32_t slot) noexcept {
  const std::uint64_t state = state_of(slot);
  if (place_of(state) == Place::free || lives_in(slot, state)) return std::nullopt;
  const Ticket ticket{slot, generation_in(state)};
  // Fails where the place changed while we asked, and the answer was about nobody.
  if (!change_state(ticket, place_of(state), Place::dead)) return std::nullopt;
  return ticket;
}

bool give_up(Ticket ticket) noexcept { return change_state(ticket, Place::reserved, Place::dead); }

void vacate(Ticket ticket) noexcept { change_state(ticket, Place::dead, Place::free); }

Result<Ticket> reserve(std::uint32_t reserver, os::Descriptor* guard) noexcept {
  lock_members();
  std::uint32_t slot = find_free();
  if (slot == kNone) {
    unlock(header().members);
    reclaim_dead();
    lock_members();
    slot = find_free();
  }
  if (slot == kNone) {
    unlock(header().members);
    return Failure{Error::too_many, 0,
                   "the family is full: it has room for 1024 processes at a time"};
  }
  MemberRecord& record = member_record(slot);
  const std::uint32_t generation = generation_in(state_of(slot)) + 1;
  if (generation != 1) std::memset(trace_record(slot), 0, kTraceBytes);
  record.identity = {};
  record.leaving.store(0, std::memory_order_relaxed);
  record.named.store(0, std::memory_order_relaxed);
  record.reserver = reserver;
  record.reserver_generation = reserver == kNone ? 0 : generation_of(reserver);
  record.joined_at = static_cast<std::uint64_t>(os::now());
  record.guarded.store(0, std::memory_order_relaxed);
  if (guard != nullptr) *guard = guard_place(slot);
  if (reserver == kNone) {
    record.identity = os::identify_self();
    record.named.store(1, std::memory_order_relaxed);
  }
  // Release: pairs with state_of(); the record above is complete.
  record.state.store(make_state(generation, Place::reserved), std::memory_order_release);
  if (slot >= header().member_high_water.load(std::memory_order_relaxed)) {
    header().member_high_water.store(slot + 1, std::memory_order_release);
  }
  unlock(header().members);
  return Ticket{slot, generation};
}

bool occupy(Ticket ticket) noexcept {
  MemberRecord& record = member_record(ticket.slot);
  if (state_of(ticket.slot) != make_state(ticket.generation, Place::reserved)) return false;
  record.identity = os::identify_self();
  // Release: pairs with the acquire in is_living().
  record.named.store(1, std::memory_order_release);
  // Fails when the place was taken back in this moment.
  return change_state(ticket, Place::reserved, Place::living);
}

os::Descriptor guard_place(std::uint32_t slot) noexcept {
  const int arena = arena_descriptor();
  if (arena < 0) return {};
  auto guard = os::hold_byte(arena, slot);
  if (!guard) return {};
  // Release: pairs with the acquires in has_left_by_exec() and unborn_lives(): held already.
  member_record(slot).guarded.store(1, std::memory_order_release);
  return std::move(*guard);
}

std::uint32_t generation_of(std::uint32_t slot) noexcept { return generation_in(state_of(slot)); }

void name_child(Ticket ticket, int pid) noexcept {
  MemberRecord& record = member_record(ticket.slot);
  const auto identity = os::identify_process(pid);
  if (!identity) return;  // gone already, or not to be seen: its reserver answers for it
  lock_members();
  if (state_of(ticket.slot) == make_state(ticket.generation, Place::reserved) &&
      record.named.load(std::memory_order_relaxed) == 0) {
    record.identity = *identity;
    // Release: pairs with the acquire in is_living().
    record.named.store(1, std::memory_order_release);
  }
  unlock(header().members);
}

}  // namespace onecopy::memory
