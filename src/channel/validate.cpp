#include <string>

#include "channel/channel.hpp"
#include "channel/locks.hpp"
#include "channel/record.hpp"
#include "channel/segment.hpp"
#include "memory/books.hpp"
#include "memory/family.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerState;
using memory::OwnerWord;

// Walks all waiting messages; both locks are held.
std::string walk(std::uint32_t channel, const ChannelRecord& record) {
  const OwnerWord owned = OwnerWord::queued(channel);
  const Progress published = load(record.published);
  Progress at = load(record.taken);
  BlockIndex segment = record.get_segment;
  while (at.count != published.count) {
    if (memory::owner_of(segment) != owned) return "a segment is not the channel's";
    if (segment_head(segment).channel != channel) return "a segment names another channel";
    if (const BlockIndex next = linked(segment, at.position); next != memory::kNoBlock) {
      if (segment_head(next).base != at.position + 1) return "a segment begins at a wrong position";
      segment = next;
      at.position = segment_head(next).base;
    }
    const auto& head = *reinterpret_cast<const RecordHead*>(segment_at(segment, at.position));
    const auto* blocks = reinterpret_cast<const BlockIndex*>(&head + 1);
    for (std::uint32_t i = 0; i < head.block_count; ++i) {
      const OwnerWord expected = i == 0 ? owned : OwnerWord::part(blocks[0]);
      if (memory::owner_of(blocks[i]) != expected) return "a waiting block has a wrong owner";
    }
    at = {at.count + 1, at.position + head.units};
  }
  if (at.position != published.position) return "the last message does not end where it should";
  if (segment != record.put_segment) return "messages do not end in the segment for putting";
  return {};
}

std::string check_words(const ChannelRecord& record) {
  const Progress published = load(record.published);
  const Progress taken = load(record.taken);
  if (before(published.count, taken.count)) return "more was taken than was put";
  if (before(published.count, load(record.done).count)) return "more was done than was put";
  if (record.maximum != 0 && published.count - taken.count > record.maximum) {
    return "more waits than the maximum";
  }
  return {};
}

}  // namespace

std::string Channel::validate() const {
  if (!memory::in_family()) return {};
  ChannelRecord& record = record_of(index_);
  lock_getting(record);
  lock_putting(record);
  std::string wrong = check_words(record);
  if (wrong.empty()) wrong = walk(index_, record);
  const std::uint32_t count = memory::header().block_count.load(std::memory_order_acquire);
  for (BlockIndex block = 0; block < count && wrong.empty(); ++block) {
    const OwnerWord owner = memory::owner_of(block);
    if ((owner.state() == OwnerState::putting || owner.state() == OwnerState::taking) &&
        owner.channel() == index_) {
      wrong = "block " + std::to_string(block) + " is on its way though nobody holds a lock";
    }
  }
  memory::unlock(record.put_lock);
  memory::unlock(record.get_lock);
  return wrong;
}

}  // namespace onecopy::channel
