#include "channel/repair.hpp"

#include "channel/record.hpp"
#include "channel/segment.hpp"
#include "memory/books.hpp"
#include "memory/owner.hpp"

namespace onecopy::channel {
namespace {

using memory::block_count;
using memory::BlockIndex;
using memory::OwnerState;
using memory::OwnerWord;

// Whether the block is a segment of the channel with a message in it, of those published so far.
// With the lock for getting held it stays one: putters are done with it, but for its owner word
// turning from putting to queued, and only getters free it. A segment that a putter is about to
// link, or that a repair of the other side is about to free, is none.
bool is_segment_of(BlockIndex block, std::uint32_t channel, Progress published) noexcept {
  // The owner first: what the block is for is certain only when we know whose it is.
  const OwnerWord owner = memory::owner_of(block);
  if (owner.channel() != channel) return false;
  if (owner.state() != OwnerState::queued &&
      (owner.state() != OwnerState::putting || !before(owner.sequence(), published.count))) {
    return false;
  }
  return memory::purpose_of(block) == memory::Purpose::segment;
}

// The segment that holds a committed position begins last of those that begin at or before it.
BlockIndex find_segment(std::uint32_t channel, std::uint32_t position,
                        Progress published) noexcept {
  BlockIndex found = memory::kNoBlock;
  for (BlockIndex block = 0, count = block_count(); block < count; ++block) {
    if (!is_segment_of(block, channel, published)) continue;
    const std::uint32_t base = segment_head(block).base;
    if (before(position, base)) continue;
    if (found == memory::kNoBlock || before(segment_head(found).base, base)) found = block;
  }
  return found;
}

bool belongs_to(OwnerWord owner, std::uint32_t channel) noexcept {
  return (owner.state() == OwnerState::queued || owner.state() == OwnerState::putting ||
          owner.state() == OwnerState::taking) &&
         owner.channel() == channel;
}

}  // namespace

// Parts first: while a part names its head, the head is not free.
void free_with_parts(BlockIndex head) noexcept {
  for (BlockIndex block = 0, count = block_count(); block < count; ++block) {
    if (memory::owner_of(block) == OwnerWord::part(head)) memory::Books().put_back(block);
  }
  memory::Books().put_back(head);
}

void repair_putting(std::uint32_t channel) noexcept {
  ChannelRecord& record = record_of(channel);
  const Progress published = load(record.published);
  record.put = published;
  const SegmentHead& last = segment_head(record.put_segment);
  // A segment that was linked but holds nothing published yet is freed below.
  if (before(published.position, last.base)) record.put_segment = last.previous;
  for (BlockIndex block = 0, count = block_count(); block < count; ++block) {
    const OwnerWord owner = memory::owner_of(block);
    if (owner.state() != OwnerState::putting || owner.channel() != channel) continue;
    if (owner.sequence() == published.count) {
      free_with_parts(block);
    } else {
      // An exchange: a getter may be taking what is committed.
      memory::change_owner(block, owner, OwnerWord::queued(channel));
    }
  }
}

void repair_getting(std::uint32_t channel) noexcept {
  ChannelRecord& record = record_of(channel);
  const Progress taken = load(record.taken);
  const Progress published = load(record.published);
  for (BlockIndex block = 0, count = block_count(); block < count; ++block) {
    const OwnerWord owner = memory::owner_of(block);
    if (owner.state() != OwnerState::taking || owner.channel() != channel) continue;
    if (owner.sequence() == taken.count) {
      memory::set_owner(block, OwnerWord::queued(channel));
    } else {
      free_with_parts(block);
    }
  }
  record.get_segment = find_segment(channel, taken.position, published);
  const std::uint32_t first = segment_head(record.get_segment).base;
  for (BlockIndex block = 0, count = block_count(); block < count; ++block) {
    if (is_segment_of(block, channel, published) && before(segment_head(block).base, first)) {
      memory::Books().put_back(block);
    }
  }
}

void release_locks_of_dead(std::uint32_t channel, std::uint32_t slot,
                           std::uint32_t generation) noexcept {
  ChannelRecord& record = record_of(channel);
  if (memory::lock_of_dead(record.get_lock, slot, generation)) {
    repair_getting(channel);
    memory::unlock(record.get_lock);
  }
  if (memory::lock_of_dead(record.put_lock, slot, generation)) {
    repair_putting(channel);
    memory::unlock(record.put_lock);
  }
}

void forget_sleepers(std::uint32_t channel) noexcept {
  ChannelRecord& record = record_of(channel);
  for (sync::Sleepers* sleepers : {&record.getters, &record.putters, &record.joiners}) {
    if (sync::anyone(*sleepers)) sync::reset(*sleepers);
  }
}

// Parts before heads: while a part names its head, the head is not free.
void free_blocks_of_channel(std::uint32_t channel) noexcept {
  for (BlockIndex block = 0, count = block_count(); block < count; ++block) {
    const OwnerWord owner = memory::owner_of(block);
    if (owner.state() == OwnerState::part && belongs_to(memory::owner_of(owner.head()), channel)) {
      memory::Books().put_back(block);
    }
  }
  for (BlockIndex block = 0, count = block_count(); block < count; ++block) {
    if (belongs_to(memory::owner_of(block), channel)) memory::Books().put_back(block);
  }
}

}  // namespace onecopy::channel
