#include "memory/validate.hpp"

#include <vector>

#include "memory/books.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/owner.hpp"
#include "memory/reference.hpp"
#include "memory/size_class.hpp"

namespace onecopy::memory {
namespace {

std::string of_block(BlockIndex block, const char* what) {
  return "block " + std::to_string(block) + ": " + what;
}

std::string check_record(BlockIndex block, std::uint64_t expected_offset) {
  const BlockRecord& record = block_record(block);
  if (record.offset != expected_offset) return of_block(block, "overlaps or leaves a gap");
  if (record.size_class >= kSizeClasses) return of_block(block, "has no such size class");
  if (record.capacity != class_bytes(record.size_class)) return of_block(block, "has a wrong size");
  return {};
}

std::string check_owner(BlockIndex block) {
  const OwnerWord owner = owner_of(block);
  if (owner.state() != OwnerState::free &&
      block_record(block).length > block_record(block).capacity) {
    return of_block(block, "is longer than its room");
  }
  switch (owner.state()) {
    case OwnerState::free:
    case OwnerState::queued:
      return {};
    case OwnerState::frozen:
    case OwnerState::shared:
      return owner.sequence() == block_record(block).times_common
                 ? ""
                 : of_block(block, "is frozen or shared, but not for the last time");
    case OwnerState::held:
    case OwnerState::putting:
    case OwnerState::taking:
      return is_taken(owner.member()) ? "" : of_block(block, "is held by a place that is free");
    case OwnerState::part: {
      const std::uint32_t count = block_count();
      if (owner.head() >= count) return of_block(block, "is part of no block");
      const OwnerState head = owner_of(owner.head()).state();
      return head == OwnerState::free || head == OwnerState::part
                 ? of_block(block, "is part of a block that is no head")
                 : "";
    }
  }
  return of_block(block, "has an owner word of no kind");
}

// A reference keeps what it names from being freed. Counts in `references` what each block is
// named.
std::string check_reference(BlockIndex block, std::vector<std::uint32_t>& references) {
  const SharedName name = named_by(block);
  if (name.block == kNoBlock) return {};
  if (name.block >= references.size() || owner_of(name.block) != OwnerWord::shared(name.time)) {
    return of_block(block, "refers to a block that is not shared, or was shared anew");
  }
  ++references[name.block];
  return {};
}

std::string check_references(const std::vector<std::uint32_t>& references) {
  for (BlockIndex block = 0; block < references.size(); ++block) {
    if (owner_of(block).state() == OwnerState::shared &&
        block_record(block).references != references[block]) {
      return of_block(block, "has other references than the books count");
    }
  }
  return {};
}

std::string walk(const FreeList& list, std::uint32_t size_class, bool warm,
                 std::vector<std::uint8_t>& seen) {
  BlockIndex newer = kNoBlock;
  for (BlockIndex block = list.newest; block != kNoBlock; block = block_record(block).older) {
    if (block >= seen.size()) return "a free list names no block";
    if (seen[block]++ != 0) return of_block(block, "is in free lists twice");
    const BlockRecord& record = block_record(block);
    if (record.newer != newer) return of_block(block, "is linked one way only");
    if (record.size_class != size_class || (record.warm != 0) != warm) {
      return of_block(block, "is in a list of another kind");
    }
    if (owner_of(block).state() != OwnerState::free) return of_block(block, "is listed, not free");
    newer = block;
  }
  return list.oldest == newer ? "" : "a free list does not end where it says";
}

}  // namespace

std::string validate_memory() {
  if (!in_family()) return {};
  const Books books;
  const std::uint32_t count = block_count();
  std::vector<std::uint8_t> seen(count, 0);
  std::vector<std::uint32_t> references(count, 0);
  std::string wrong;
  for (std::uint32_t c = 0; c < kSizeClasses && wrong.empty(); ++c) {
    wrong = walk(header().warm_lists[c], c, true, seen);
    if (wrong.empty()) wrong = walk(header().cold_lists[c], c, false, seen);
  }
  std::uint64_t offset = kDataOffset;
  std::uint64_t resident = 0;
  std::uint64_t warm = 0;
  for (BlockIndex block = 0; block < count && wrong.empty(); ++block) {
    const BlockRecord& record = block_record(block);
    const bool free = owner_of(block).state() == OwnerState::free;
    wrong = check_record(block, offset);
    if (wrong.empty()) wrong = check_owner(block);
    if (wrong.empty()) wrong = check_reference(block, references);
    if (wrong.empty() && free && seen[block] == 0) wrong = of_block(block, "is free, not listed");
    offset = record.offset + record.capacity;
    if (record.warm != 0) resident += record.capacity;
    if (record.warm != 0 && free) warm += record.capacity;
  }
  if (wrong.empty()) wrong = check_references(references);
  if (!wrong.empty()) return wrong;
  if (offset != header().data_end) return "the blocks do not end where the books say";
  if (resident != header().resident) return "the books count other bytes resident than the blocks";
  if (warm != header().warm) return "the books count other bytes warm than the blocks";
  return {};
}

}  // namespace onecopy::memory
