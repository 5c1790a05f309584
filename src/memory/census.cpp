#include "memory/census.hpp"

#include "memory/books.hpp"
#include "memory/family.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/owner.hpp"
#include "os/limits.hpp"

namespace onecopy::memory {
namespace {

void count_blocks(Census& census, std::vector<MemberUse>& by_slot) {
  const Books books;
  census.warm = header().warm;
  census.resident = header().resident;
  census.highest_resident = header().highest_resident;
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    OwnerWord owner = owner_of(block);
    if (owner.state() == OwnerState::part) owner = owner_of(owner.head());
    if (owner.state() == OwnerState::free) continue;
    const std::uint64_t bytes = block_record(block).capacity;
    census.in_use += bytes;
    ++census.blocks_in_use;
    switch (owner.state()) {
      case OwnerState::held:
      case OwnerState::putting:
      case OwnerState::taking:
        if (owner.member() < by_slot.size()) {
          ++by_slot[owner.member()].blocks;
          by_slot[owner.member()].bytes += bytes;
        }
        break;
      case OwnerState::queued:
        ++census.queued_blocks;
        census.queued += bytes;
        break;
      case OwnerState::frozen:
      case OwnerState::shared:
        (owner.state() == OwnerState::frozen ? census.frozen : census.shared) += bytes;
        for (MemberUse& use : by_slot) {
          if (!ledger_has(Ledger::blocks, use.slot, block)) continue;
          ++use.blocks;
          use.bytes += bytes;
        }
        break;
      case OwnerState::free:
      case OwnerState::part:
        break;
    }
  }
}

}  // namespace

Census take_census() {
  Census census;
  if (!in_family()) return census;
  const std::uint32_t slots = member_count();
  std::vector<MemberUse> by_slot(slots);
  for (Slot slot = 0; slot < slots; ++slot) by_slot[slot] = {slot, 0, false, 0, 0};
  count_blocks(census, by_slot);
  for (MemberUse& use : by_slot) {
    if (!is_taken(use.slot)) continue;
    use.pid = pid_of(use.slot);
    use.living = use.slot == self() || is_living(use.slot);
    census.members.push_back(use);
  }
  const os::MemoryLimit available = os::memory_available();
  census.limit = census.resident + available.bytes;
  census.limit_name = available.name;
  if (header().limit != 0 && header().limit < census.limit) {
    census.limit = header().limit;
    census.limit_name = "ONECOPY_MEMORY_LIMIT";
  }
  return census;
}

}  // namespace onecopy::memory
