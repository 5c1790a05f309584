#include "inspect/blocks.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace onecopy::inspect {

using memory::BlockIndex;
using memory::BlockRecord;
using memory::OwnerState;
using memory::OwnerWord;
using memory::Purpose;

namespace {

constexpr std::array<const char*, kPurposes> kNames = {
    "data",      "segment", "lock",      "elements", "array", "reference",
    "semaphore", "event",   "condition", "barrier",  "pool",
};

// Records are read a piece at a time: a full table has 64 MiB.
constexpr std::uint32_t kPiece = 4096;
constexpr std::uint32_t kBits = 64;

bool is_common(const Block& block) noexcept {
  return block.owner.state() == OwnerState::frozen || block.owner.state() == OwnerState::shared;
}

void add(Usage::Sum& sum, std::uint64_t bytes) noexcept {
  ++sum.blocks;
  sum.bytes += bytes;
}

// Reads all records; a block for each that is in use, a part still with its own word.
std::vector<Block> read_in_use(ArenaReader& arena, Usage::Sum& warm) {
  std::vector<Block> blocks;
  std::vector<BlockRecord> records(kPiece);
  for (BlockIndex first = 0; first < arena.head().blocks; first += kPiece) {
    arena.read(memory::kBlocksOffset + first * sizeof(BlockRecord), records);
    const std::uint32_t count = std::min(kPiece, arena.head().blocks - first);
    for (std::uint32_t i = 0; i < count; ++i) {
      const BlockRecord& record = records[i];
      // One that is being made, or makes no sense.
      if (record.capacity == 0 || !arena.holds_data(record.offset, record.capacity)) continue;
      const auto purpose = record.purpose.load(std::memory_order_relaxed);
      if (static_cast<std::size_t>(purpose) >= kPurposes) continue;
      const OwnerWord owner(record.owner.load(std::memory_order_relaxed));
      if (owner.state() > OwnerState::shared) continue;
      if (owner.state() == OwnerState::free) {
        if (record.warm == 1) add(warm, record.capacity);
        continue;
      }
      blocks.push_back({first + i,
                        purpose,
                        owner,
                        record.offset,
                        record.capacity,
                        std::min(record.length, record.capacity),
                        {}});
    }
  }
  return blocks;
}

Block* find(std::vector<Block>& blocks, BlockIndex index) noexcept {
  const auto found = std::ranges::lower_bound(blocks, index, {}, &Block::index);
  return found == blocks.end() || found->index != index ? nullptr : &*found;
}

// Parts get the word of their head. One whose head is free by now was freed before it.
void resolve_parts(std::vector<Block>& blocks) {
  for (Block& block : blocks) {
    if (block.owner.state() != OwnerState::part) continue;
    const Block* const head = find(blocks, block.owner.head());
    block.owner = head == nullptr ? OwnerWord() : head->owner;
  }
  std::erase_if(blocks, [](const Block& block) {
    return block.owner.state() == OwnerState::free || block.owner.state() == OwnerState::part;
  });
}

void count(const Block& block, Usage& usage, std::span<Member> members) {
  add(usage.by_purpose.at(static_cast<std::size_t>(block.purpose)), block.capacity);
  switch (block.owner.state()) {
    case OwnerState::held:
    case OwnerState::putting:
    case OwnerState::taking: {
      add(usage.held, block.capacity);
      const auto member = std::ranges::find(members, block.owner.member(), &Member::slot);
      if (member == members.end()) break;
      ++member->blocks;
      member->bytes += block.capacity;
      break;
    }
    case OwnerState::queued:
      add(usage.queued, block.capacity);
      break;
    case OwnerState::frozen:
      add(usage.frozen, block.capacity);
      break;
    case OwnerState::shared:
      add(usage.shared, block.capacity);
      break;
    case OwnerState::free:
    case OwnerState::part:
      break;
  }
}

// Adds the member to the holders of each common block that its ledger has.
void add_holder(ArenaReader& arena, Member& member, std::vector<Block>& blocks) {
  std::vector<std::uint64_t> ledger((arena.head().blocks + kBits - 1) / kBits);
  arena.read(memory::kBlockLedgerOffset + member.slot * memory::kBlockLedgerBytes, ledger);
  for (std::size_t word = 0; word < ledger.size(); ++word) {
    for (std::uint64_t bits = ledger[word]; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<BlockIndex>(std::countr_zero(bits));
      Block* const block = find(blocks, static_cast<BlockIndex>(word) * kBits + bit);
      if (block == nullptr || !is_common(*block)) continue;
      block->holders.push_back(member.slot);
      ++member.blocks;
      member.bytes += block->capacity;
    }
  }
}

}  // namespace

const char* name_of(Purpose purpose) noexcept {
  const auto index = static_cast<std::size_t>(purpose);
  return index < kNames.size() ? kNames.at(index) : "unknown";
}

Blocks read_blocks(ArenaReader& arena, std::span<Member> members) {
  Blocks blocks;
  blocks.in_use = read_in_use(arena, blocks.usage.warm);
  resolve_parts(blocks.in_use);
  for (const Block& block : blocks.in_use) count(block, blocks.usage, members);
  for (Member& member : members) add_holder(arena, member, blocks.in_use);
  return blocks;
}

std::vector<const Block*> largest(std::span<const Block> blocks, std::size_t count) {
  std::vector<const Block*> found;
  found.reserve(blocks.size());
  for (const Block& block : blocks) found.push_back(&block);
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(count, found.size()));
  std::partial_sort(found.begin(), end, found.end(), [](const Block* one, const Block* other) {
    return one->length != other->length ? one->length > other->length : one->index < other->index;
  });
  found.erase(end, found.end());
  return found;
}

}  // namespace onecopy::inspect
