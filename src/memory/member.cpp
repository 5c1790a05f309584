#include "memory/member.hpp"

#include <string>
#include <type_traits>
#include <utility>

#include "memory/arena.hpp"
#include "memory/local.hpp"
#include "os/byte_lock.hpp"
#include "os/clock.hpp"
#include "os/process_maps.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint64_t kGrace = 10 * os::kSecond;

constexpr std::uint64_t make_state(std::uint32_t generation, Place place) {
  return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(place);
}
constexpr Place place_of(std::uint64_t state) { return static_cast<Place>(state & 0xffffffffu); }
constexpr std::uint32_t generation_in(std::uint64_t state) {
  return static_cast<std::uint32_t>(state >> 32);
}

// Acquire: pairs with the release that changed the place, so that its identity is seen.
std::uint64_t state_of(Slot slot) noexcept {
  return member_record(slot).state.load(std::memory_order_acquire);
}

// What a place's record says is read without a lock, and the state looked at again afterwards. So
// every word is stored by release and loaded by acquire: who finds a word of the next member there
// finds the state changed as well.
template <class T>
T read(const std::atomic<T>& word) noexcept {
  return word.load(std::memory_order_acquire);
}
template <class T>
void write(std::atomic<T>& word, std::type_identity_t<T> value) noexcept {
  word.store(value, std::memory_order_release);
}

// Word by word, relaxed: others may be reading the figures of the slot's last member still.
void clear_trace(Slot slot) noexcept {
  auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(trace_record(slot));
  for (std::size_t i = 0; i < kTraceBytes / sizeof *words; ++i) {
    words[i].store(0, std::memory_order_relaxed);
  }
}

// Nothing of a half reserved place is visible before its state is stored, so a lock taken over
// from a dead member needs no repair.
void lock_members() noexcept { static_cast<void>(lock(header().members)); }

Slot find_free() noexcept {
  const std::uint32_t high = member_count();
  for (Slot slot = 0; slot < high; ++slot) {
    if (place_of(state_of(slot)) == Place::free) return slot;
  }
  return high < kMaxMembers ? high : kNoSlot;
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
std::optional<bool> is_guard_held(Slot slot) noexcept {
  const int arena = arena_descriptor();
  if (arena < 0) return std::nullopt;
  const auto held = os::is_byte_held(arena, slot);
  if (!held) return std::nullopt;
  return *held;
}

// A process that called exec runs on without us, under the same identity. The guard alone proves
// nothing: programs close descriptors that they do not know.
bool has_left_by_exec(Slot slot, const MemberRecord& record) noexcept {
  if (read(record.guarded) == 0) return false;
  if (is_guard_held(slot).value_or(true)) return false;
  const auto mapped = os::has_mapped(pid_of(slot), local().file_identity);
  return mapped && !*mapped;
}

bool unborn_lives(Slot slot, const MemberRecord& record) noexcept {
  if (read(record.guarded) != 0) {
    if (const auto held = is_guard_held(slot)) return *held;
  }
  // A child whose parent dies in this very moment may be about to occupy its place.
  return lives_as(read(record.reserver), read(record.reserver_generation)) ||
         static_cast<std::uint64_t>(os::now()) - read(record.joined_at) < kGrace;
}

// Whether the member of a place in that state lives, or is not born yet. Where the place changes
// meanwhile the answer means nothing: the caller looks at the state again.
bool lives_in(Slot slot, std::uint64_t state) noexcept {
  const MemberRecord& record = member_record(slot);
  switch (place_of(state)) {
    case Place::free:
    case Place::dead:
      return false;
    case Place::living: {
      const auto process = identity_in(record.identity);
      return process && os::is_alive(*process) && !has_left_by_exec(slot, record);
    }
    case Place::reserved:
      if (const auto process = identity_in(record.identity)) return os::is_alive(*process);
      return unborn_lives(slot, record);
  }
  return true;
}

}  // namespace

bool is_living(Slot slot) noexcept {
  for (;;) {
    const std::uint64_t state = state_of(slot);
    const bool answer = lives_in(slot, state);
    if (state_of(slot) == state) return answer;
  }
}

int pid_of(Slot slot) noexcept {
  return identity_in(member_record(slot).identity).value_or(os::ProcessIdentity{}).pid;
}

bool is_taken(Slot slot) noexcept { return place_of(state_of(slot)) != Place::free; }

bool lives_as(Slot slot, std::uint32_t generation) noexcept {
  generation = cut_generation(generation);
  if (slot == local().slot && cut_generation(local().generation) == generation) return true;
  for (;;) {
    const std::uint64_t state = state_of(slot);
    if (cut_generation(generation_in(state)) != generation) return false;
    const bool answer = lives_in(slot, state);
    if (state_of(slot) == state) return answer;
  }
}

std::optional<Ticket> find_dead(Slot slot) noexcept {
  const std::uint64_t state = state_of(slot);
  if (place_of(state) == Place::free || lives_in(slot, state)) return std::nullopt;
  const Ticket ticket{slot, generation_in(state)};
  // Fails where the place changed while we asked, and the answer was about nobody.
  if (!change_state(ticket, place_of(state), Place::dead)) return std::nullopt;
  return ticket;
}

bool give_up(Ticket ticket) noexcept { return change_state(ticket, Place::reserved, Place::dead); }

void vacate(Ticket ticket) noexcept { change_state(ticket, Place::dead, Place::free); }

Result<Ticket> reserve(Slot reserver, os::Descriptor* guard) noexcept {
  lock_members();
  Slot slot = find_free();
  if (slot == kNoSlot) {
    unlock(header().members);
    reclaim_dead();
    lock_members();
    slot = find_free();
  }
  if (slot == kNoSlot) {
    unlock(header().members);
    return Failure{Error::too_many, 0,
                   "the family is full: it has room for " + std::to_string(kMaxMembers) +
                       " processes at a time"};
  }
  MemberRecord& record = member_record(slot);
  const std::uint32_t generation = generation_in(state_of(slot)) + 1;
  if (generation != 1) clear_trace(slot);
  empty(record.identity, generation);
  write(record.reserver, reserver);
  write(record.reserver_generation, reserver == kNoSlot ? 0 : generation_of(reserver));
  write(record.joined_at, static_cast<std::uint64_t>(os::now()));
  write(record.guarded, 0);
  if (guard != nullptr) *guard = guard_place(slot);
  if (reserver == kNoSlot)
    static_cast<void>(fill(record.identity, generation, os::identify_self()));
  // Release: pairs with state_of(); the record above is complete.
  record.state.store(make_state(generation, Place::reserved), std::memory_order_release);
  if (slot >= member_count()) {
    header().member_high_water.store(slot + 1, std::memory_order_release);
  }
  unlock(header().members);
  return Ticket{slot, generation};
}

bool occupy(Ticket ticket) noexcept {
  // A shell may start two programs, one after the other, with one ticket.
  if (!fill(member_record(ticket.slot).identity, ticket.generation, os::identify_self())) {
    return false;
  }
  // Fails when the place was taken back meanwhile.
  return change_state(ticket, Place::reserved, Place::living);
}

os::Descriptor guard_place(Slot slot) noexcept {
  const int arena = arena_descriptor();
  if (arena < 0) return {};
  auto guard = os::hold_byte(arena, slot);
  if (!guard) return {};
  write(member_record(slot).guarded, 1);
  return std::move(*guard);
}

bool move_guard(const os::Descriptor& guard, Slot from, Slot to) noexcept {
  // Where the program closed it the number may be a file of its own.
  if (!guard || !is_arena(guard.get()) || !os::move_byte(guard.get(), from, to)) return false;
  write(member_record(to).guarded, 1);
  return true;
}

std::uint32_t generation_of(Slot slot) noexcept { return generation_in(state_of(slot)); }

void name_newcomer(Ticket ticket, int pid) noexcept {
  const auto process = os::identify_process(pid);
  if (!process) return;  // gone already, or not to be seen: its reserver answers for it
  fill_started(member_record(ticket.slot).identity, ticket.generation, *process);
}

}  // namespace onecopy::memory
