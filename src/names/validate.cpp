// Checks docs/layout/names.md.
#include <string>

#include "channel/table.hpp"
#include "memory/ledger.hpp"
#include "memory/member.hpp"
#include "memory/owner.hpp"
#include "memory/reference.hpp"
#include "message/utf8.hpp"
#include "names/table.hpp"

namespace onecopy::names {
namespace {

std::string_view name_of(const NameRecord& record) { return {record.name, record.name_bytes}; }

bool is_held_by(memory::BlockIndex reference, memory::Slot slot) {
  return reference < memory::block_count() &&
         memory::owner_of(reference) == memory::OwnerWord::held(slot);
}

// What is wrong with what a living publisher has under a name.
std::string wrong_holds(const NameRecord& record) {
  switch (record.what) {
    case What::queue:
    case What::simple_queue:
    case What::joinable_queue: {
      const channel::Name queue{record.channel, record.channel_generation};
      if (!channel::is_open(queue) ||
          !memory::ledger_has(memory::Ledger::channels, record.slot, queue.index)) {
        return "a published queue is not its publisher's";
      }
      return {};
    }
    case What::value:
    case What::pickle:
    case What::array:
    case What::pipe:
      if (record.body_bytes > kLongestBody) return "a published value is too long";
      if (record.shared_count > kMostShared) return "a published value has too many shared parts";
      for (std::uint32_t i = 0; i < record.shared_count; ++i) {
        if (!is_held_by(record.references[i], record.slot) ||
            memory::named_by(record.references[i]) != record.shared[i]) {
          return "a shared part of a published value is not held by its publisher";
        }
      }
      return {};
    case What::none:
      break;
  }
  return "a name stands for something of an unknown kind";
}

std::string wrong_entries() {
  const std::uint32_t count = head().high_water.load(std::memory_order_relaxed);
  if (count > memory::kMaxNames) return "there are more names than there is room for";
  for (std::uint32_t entry = 0; entry < count; ++entry) {
    const NameRecord& record = record_of(entry);
    const Entry state = record.state.load(std::memory_order_relaxed);
    if (state == Entry::free) continue;
    if (state != Entry::published) return "an entry is neither free nor published";
    if (record.name_bytes == 0 || record.name_bytes > kLongestName ||
        !message::is_utf8(name_of(record))) {
      return "a published name is no name";
    }
    for (std::uint32_t other = 0; other < entry; ++other) {
      const NameRecord& earlier = record_of(other);
      if (earlier.state.load(std::memory_order_relaxed) == Entry::published &&
          name_of(earlier) == name_of(record)) {
        return "a name is published twice";
      }
    }
    if (record.slot >= memory::member_count()) return "a publisher is no member";
    if (!memory::lives_as(record.slot, record.generation)) continue;
    if (std::string wrong = wrong_holds(record); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

std::string validate_names() {
  if (!memory::in_family()) return {};
  static_cast<void>(memory::lock(head().lock));
  std::string wrong = wrong_entries();
  memory::unlock(head().lock);
  return wrong;
}

}  // namespace onecopy::names
