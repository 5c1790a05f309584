#include "memory/member.hpp"

#include <cstring>

#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/reclaim.hpp"
#include "os/clock.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint64_t kGrace = 10 * os::kSecond;
constexpr std::uint32_t kGenerationMask = 0xfffffu;

constexpr std::uint64_t make_state(std::uint32_t generation, Place place) {
  return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(place);
}
constexpr Place place_of(std::uint64_t state) { return static_cast<Place>(state & 0xffffffffu); }

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

}  // namespace

bool is_living(std::uint32_t slot) noexcept {
  const MemberRecord& record = member_record(slot);
  const std::uint64_t state = state_of(slot);
  switch (place_of(state)) {
    case Place::free:
      return false;
    case Place::living:
      return os::is_alive(record.identity);
    case Place::reserved:
      // Acquire: pairs with the release in name_child().
      if (record.named.load(std::memory_order_acquire) != 0) return os::is_alive(record.identity);
      // A child whose parent dies in this very moment may be about to occupy its place.
      return lives_as(record.reserver, record.reserver_generation) ||
             static_cast<std::uint64_t>(os::now()) - record.joined_at < kGrace;
  }
  return false;
}

bool is_taken(std::uint32_t slot) noexcept { return place_of(state_of(slot)) != Place::free; }

void mark_leaving(std::uint32_t slot) noexcept {
  member_record(slot).leaving.store(1, std::memory_order_release);
}

bool lives_as(std::uint32_t slot, std::uint32_t generation) noexcept {
  if (slot == local().slot && ((local().generation ^ generation) & kGenerationMask) == 0) {
    return true;
  }
  const std::uint64_t state = state_of(slot);
  if ((((state >> 32) ^ generation) & kGenerationMask) != 0) return false;
  return is_living(slot);
}

Result<Ticket> reserve(std::uint32_t reserver) noexcept {
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
  const auto generation = static_cast<std::uint32_t>(state_of(slot) >> 32) + 1;
  if (generation != 1) std::memset(trace_record(slot), 0, kTraceBytes);
  record.identity = {};
  record.leaving.store(0, std::memory_order_relaxed);
  record.named.store(0, std::memory_order_relaxed);
  record.reserver = reserver;
  record.reserver_generation = reserver == kNone ? 0 : generation_of(reserver);
  record.joined_at = static_cast<std::uint64_t>(os::now());
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
  std::uint64_t expected = make_state(ticket.generation, Place::reserved);
  // Release: pairs with state_of(). Fails when the place was taken back in this moment.
  return record.state.compare_exchange_strong(
      expected, make_state(ticket.generation, Place::living), std::memory_order_acq_rel,
      std::memory_order_acquire);
}

void vacate(std::uint32_t slot, std::uint32_t generation) noexcept {
  lock_members();
  if (static_cast<std::uint32_t>(state_of(slot) >> 32) == generation) {
    member_record(slot).state.store(make_state(generation, Place::free),
                                    std::memory_order_release);
  }
  unlock(header().members);
}

std::uint32_t generation_of(std::uint32_t slot) noexcept {
  return static_cast<std::uint32_t>(state_of(slot) >> 32);
}

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
