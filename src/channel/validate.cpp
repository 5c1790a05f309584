#include <cstring>
#include <string>

#include "channel/channel.hpp"
#include "channel/locks.hpp"
#include "channel/record.hpp"
#include "channel/segment.hpp"
#include "memory/family.hpp"
#include "memory/owner.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerState;
using memory::OwnerWord;

// A walk over all that is in a channel, with both locks held. Believes nothing that it reads.
class Walk {
 public:
  explicit Walk(std::uint32_t channel)
      : channel_(channel), record_(record_of(channel)), block_count_(memory::block_count()) {}

  // The first invariant that does not hold; empty: all do.
  std::string run() {
    if (check_words() && check_messages() && check_weights()) check_blocks();
    return wrong_;
  }

 private:
  bool fail(const char* what) {
    wrong_ = what;
    return false;
  }

  bool check_words() {
    const Progress published = load(record_.published);
    const std::uint32_t waiting = published.count - load(record_.taken).count;
    if (static_cast<std::int32_t>(waiting) < 0) return fail("more was taken than was put");
    if (before(published.count, load(record_.done).count)) {
      return fail("more was done than was put");
    }
    if (record_.maximum != 0 && waiting > record_.maximum)
      return fail("more waits than the maximum");
    if (record_.put.word() != published.word()) {
      return fail("putters go on from another place than getters know");
    }
    return true;
  }

  bool check_messages() {
    const Progress published = load(record_.published);
    Progress at = load(record_.taken);
    if (!enter(record_.get_segment)) return false;
    while (at.count != published.count) {
      if (!holds(at.position)) return fail("a message does not lie in its segment");
      if (const BlockIndex next = linked(segment_, at.position); next != memory::kNoBlock) {
        if (!enter(next)) return false;
        if (segment_head(next).base != ++at.position) {
          return fail("a segment begins at a wrong position");
        }
      }
      std::uint32_t units = 0;
      if (!check_message(at.position, units)) return false;
      if (at.count + 1 == published.count && !check_latest(at.position, units)) return false;
      at = {at.count + 1, at.position + units};
    }
    if (at.position != published.position) {
      return fail("the last message does not end where it should");
    }
    if (segment_ != record_.put_segment) {
      return fail("messages do not end in the segment for putting");
    }
    return true;
  }

  // Of the last message.
  bool check_latest(std::uint32_t position, std::uint32_t units) {
    const std::uint32_t latest = record_.latest.load(std::memory_order_relaxed);
    if (latest != load(record_.published).count) return true;
    const std::size_t bytes = std::size_t{units} * kUnit;
    if (bytes > sizeof record_.latest_words ||
        std::memcmp(record_.latest_words, segment_at(segment_, position), bytes) != 0) {
      return fail("the latest message is another than its segment has");
    }
    return true;
  }

  // Goes on in that segment.
  bool enter(BlockIndex segment) {
    if (segment >= block_count_ || memory::owner_of(segment) != OwnerWord::queued(channel_) ||
        memory::purpose_of(segment) != memory::Purpose::segment) {
      return fail("a segment is not the channel's");
    }
    if (segment_head(segment).channel != channel_) return fail("a segment names another channel");
    segment_ = segment;
    ++queued_;
    return true;
  }

  bool holds(std::uint32_t position) const {
    return position - segment_head(segment_).base < segment_units(segment_);
  }

  bool check_message(std::uint32_t position, std::uint32_t& units) {
    if (!holds(position)) return fail("a message does not lie in its segment");
    RecordHead head;
    std::memcpy(&head, segment_at(segment_, position), sizeof head);
    units = head.units;
    const std::uint32_t left = segment_units(segment_) - (position - segment_head(segment_).base);
    if (units == 0 || units > left ||
        sizeof head + indices_bytes(head.block_count) + head.body_bytes >
            std::size_t{units} * kUnit) {
      return fail("a message is longer than its room");
    }
    weight_ += head.weight;
    if (head.block_count == 0) return true;
    const auto* blocks =
        reinterpret_cast<const BlockIndex*>(segment_at(segment_, position) + sizeof(RecordHead));
    if (blocks[0] >= block_count_ || memory::owner_of(blocks[0]) != OwnerWord::queued(channel_)) {
      return fail("a waiting block has a wrong owner");
    }
    ++queued_;
    if (head.outline == 0) return check_parts(blocks[0], blocks + 1, head.block_count - 1u);
    const std::byte* const data = memory::block_data(blocks[0]);
    OutlineHead outline;
    std::memcpy(&outline, data, sizeof outline);
    const std::size_t room = memory::block_length(blocks[0]) - sizeof outline;
    const std::size_t indices = indices_bytes(outline.block_count);
    if (indices > room || outline.body_bytes > room - indices) {
      return fail("a message is longer than its room");
    }
    return check_parts(blocks[0], reinterpret_cast<const BlockIndex*>(data + sizeof outline),
                       outline.block_count);
  }

  bool check_parts(BlockIndex head, const BlockIndex* parts, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (parts[i] >= block_count_ || memory::owner_of(parts[i]) != OwnerWord::part(head)) {
        return fail("a waiting block has a wrong owner");
      }
    }
    parts_ += count;
    return true;
  }

  bool check_weights() {
    const std::uint64_t flying = sum_at(record_.weight_put, load(record_.published)) -
                                 sum_at(record_.weight_taken, load(record_.taken));
    if (flying != weight_) return fail("other bytes are in flight than are counted");
    return true;
  }

  // Everything that is the channel's was met on the way, and nothing is between two owners.
  bool check_blocks() {
    std::uint32_t queued = 0;
    std::uint32_t parts = 0;
    for (BlockIndex block = 0; block < block_count_; ++block) {
      const OwnerWord owner = memory::owner_of(block);
      if ((owner.state() == OwnerState::putting || owner.state() == OwnerState::taking) &&
          owner.channel() == channel_) {
        return fail("a block is on its way though nobody holds a lock");
      }
      if (owner == OwnerWord::queued(channel_)) ++queued;
      if (owner.state() == OwnerState::part &&
          memory::owner_of(owner.head()) == OwnerWord::queued(channel_)) {
        ++parts;
      }
    }
    if (queued != queued_ || parts != parts_)
      return fail("a block of the channel lies in no message");
    return true;
  }

  std::uint32_t channel_;
  ChannelRecord& record_;
  std::uint32_t block_count_;
  BlockIndex segment_ = memory::kNoBlock;
  std::uint64_t weight_ = 0;
  std::uint32_t queued_ = 0;  // segments and first blocks of messages met so far
  std::uint32_t parts_ = 0;
  std::string wrong_;
};

}  // namespace

std::string Channel::validate() const {
  if (!memory::in_family()) return {};
  ChannelRecord& record = record_of(index_);
  lock_getting(record);
  lock_putting(record);
  std::string wrong = Walk(index_).run();
  memory::unlock(record.put_lock);
  memory::unlock(record.get_lock);
  return wrong;
}

}  // namespace onecopy::channel
