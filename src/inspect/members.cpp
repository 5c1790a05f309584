#include "inspect/members.hpp"

#include <algorithm>

#include "memory/owner_lock.hpp"
#include "os/process_identity.hpp"

namespace onecopy::inspect {

using memory::MemberRecord;
using memory::Place;

namespace {

// Relaxed, all of it: the record is this thread's own copy.
template <class T>
T get(const std::atomic<T>& word) noexcept {
  return word.load(std::memory_order_relaxed);
}

// Whether the member of a place that is taken lives, or is not born yet.
bool is_living(const ArenaReader& arena, memory::Slot slot, Place place,
               const MemberRecord& record) noexcept {
  if (place == Place::dead) return false;
  if (const auto process = identity_in(record.identity)) return os::is_alive(*process);
  return get(record.guarded) == 0 || arena.is_guard_held(slot);
}

}  // namespace

const Member* named_by(std::uint32_t lock_word, std::span<const Member> members) noexcept {
  const auto found = std::ranges::find_if(members, [lock_word](const Member& each) {
    return lock_word == memory::lock_word(each.slot, each.generation);
  });
  return found == members.end() ? nullptr : &*found;
}

std::vector<Member> read_members(ArenaReader& arena) {
  std::vector<Member> members;
  for (memory::Slot slot = 0; slot < arena.head().members; ++slot) {
    MemberRecord record;
    if (!arena.read_settled(memory::kMembersOffset + slot * sizeof record, record)) continue;
    const std::uint64_t state = get(record.state);
    const auto place = static_cast<Place>(static_cast<std::uint32_t>(state));
    if (place != Place::reserved && place != Place::living && place != Place::dead) continue;

    Member member;
    member.slot = slot;
    member.generation = static_cast<std::uint32_t>(state >> 32);
    member.joined_at = get(record.joined_at);
    member.pid = identity_in(record.identity).value_or(os::ProcessIdentity{}).pid;
    member.living = is_living(arena, slot, place, record);
    trace::Record figures;
    arena.read(memory::kTraceOffset + slot * memory::kTraceBytes, figures);
    for (std::size_t i = 0; i < trace::kCounters; ++i) {
      member.figures.at(i) = get(figures.figures[i]);
    }
    members.push_back(member);
  }
  return members;
}

}  // namespace onecopy::inspect
