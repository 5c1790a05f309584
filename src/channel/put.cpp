// Putting: what is large lies in blocks already; under the lock a record is written behind the last
// one, and once more beside `published` where it is small; the blocks are named as on their way,
// and one store of `published` makes it all the channel's.
#include <cstring>
#include <new>

#include "channel/bell.hpp"
#include "channel/channel.hpp"
#include "channel/latest.hpp"
#include "channel/locks.hpp"
#include "channel/record.hpp"
#include "channel/segment.hpp"
#include "channel/spins.hpp"
#include "channel/table.hpp"
#include "memory/owner.hpp"
#include "memory/owner_word.hpp"
#include "os/cpu.hpp"
#include "trace/trace.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerWord;

constexpr std::size_t kMostBlocksInline = 256;

thread_local Failure last_failure;

std::uint64_t bytes_in(const Outgoing& message) noexcept {
  std::uint64_t bytes = message.body.size();
  for (const BlockIndex block : message.blocks) bytes += memory::block_length(block);
  return bytes;
}

bool fits_inline(const Outgoing& message) noexcept {
  return message.body.size() <= kInlineBody && message.blocks.size() <= kMostBlocksInline;
}

// Whether a message of that weight may be put when so many are published. With the lock for putting
// held that is for good.
bool has_room_for(const ChannelRecord& record, std::uint32_t weight, Progress published) noexcept {
  if (record.maximum == 0 && record.maximum_weight == 0) return true;
  for (;;) {
    const Progress taken = load(record.taken);
    const std::uint64_t flying =
        sum_at(record.weight_put, published) - sum_at(record.weight_taken, taken);
    // Of one moment only if getters did not go on meanwhile.
    if (load(record.taken).count != taken.count) continue;
    const std::uint32_t waiting = published.count - taken.count;
    if (record.maximum != 0 && waiting >= record.maximum) return false;
    return record.maximum_weight == 0 || waiting == 0 || flying + weight <= record.maximum_weight;
  }
}

// The same without the lock: a first answer, that spares work.
bool seems_to_have_room_for(const ChannelRecord& record, std::uint32_t weight) noexcept {
  for (;;) {
    const Progress published = load(record.published);
    const bool has_room = has_room_for(record, weight, published);
    if (load(record.published).count == published.count) return has_room;
  }
}

// Moves indices and body into a block of their own, for which the record then stands.
Result<BlockIndex> write_outline(const Outgoing& message) noexcept {
  const std::size_t indices = indices_bytes(message.blocks.size());
  auto block = memory::allocate_block(sizeof(OutlineHead) + indices + message.body.size());
  if (!block) return block;
  std::size_t offset = 0;
  Result<void> filled;
  const auto append = [&](const void* bytes, std::size_t count, std::size_t room) {
    if (!filled || room == 0) return;
    filled = memory::fill_block(*block, offset, bytes, count);
    offset += room;
  };
  const OutlineHead head{message.body.size(), static_cast<std::uint32_t>(message.blocks.size()), 0};
  append(&head, sizeof head, sizeof head);
  append(message.blocks.data(), message.blocks.size_bytes(), indices);
  append(message.body.data(), message.body.size(), message.body.size());
  if (!filled) {
    memory::release_block(*block);
    return std::move(filled).failure();
  }
  return block;
}

}  // namespace

// What a record is to say of a message.
struct Channel::Entry {
  Kind kind;
  bool outlined;
  std::uint32_t weight;
  std::span<const std::byte> body;
  std::span<const BlockIndex> blocks;  // with `outlined` only the first is listed
};

// One put under way, with the lock for putting held.
class Putter {
 public:
  Putter(Channel& channel, ChannelRecord& record) noexcept
      : channel_(channel), record_(record), published_(record.put) {}

  Progress published() const noexcept { return published_; }
  // Where the next record will be, after publish().
  const std::byte* next() const noexcept { return segment_at(*segment_head_, position_ + units_); }

  // Where a record of `bytes` may be written; null when there is no memory for a further segment.
  std::byte* claim(std::size_t bytes) noexcept {
    const auto units = static_cast<std::uint32_t>(bytes / kUnit);
    position_ = published_.position;
    segment_ = record_.put_segment;
    segment_head_ = &segment_head(segment_);
    if (position_ - segment_head_->base + units > segment_units(segment_) - 1) {
      const BlockIndex next = link_segment();
      if (next == memory::kNoBlock) return nullptr;
      segment_ = next;
      segment_head_ = &segment_head(next);
      position_ = segment_head_->base;
    }
    units_ = units;
    return segment_at(*segment_head_, position_);
  }

  // Commits the record written at claim()'s place.
  void publish(std::span<const BlockIndex> blocks, std::uint32_t weight) noexcept {
    const std::uint32_t channel = channel_.index_;
    const OwnerWord on_its_way = OwnerWord::putting(memory::self(), channel, published_.count);
    if (!blocks.empty()) {
      for (const BlockIndex part : blocks.subspan(1)) {
        memory::set_owner(part, OwnerWord::part(blocks[0]));
      }
      memory::set_owner(blocks[0], on_its_way);
    }
    // Sequentially consistent: pairs with keep_bell_level(), which then takes the lock we hold.
    const bool level = record_.bell_level.load(std::memory_order_seq_cst) != 0;
    if (level) ring_bell(record_, channel_.ring_descriptor_);
    add_next(record_.weight_put, published_, weight);
    // The message is the channel's from this store on.
    const Progress next{published_.count + 1, position_ + units_};
    commit(record_.published, next);
    // A death before this leaves the old one, for repair_putting().
    record_.put = next;
    if (linked_ != memory::kNoBlock) memory::set_owner(linked_, OwnerWord::queued(channel));
    // An exchange: a getter may be taking it already.
    if (!blocks.empty()) memory::change_owner(blocks[0], on_its_way, OwnerWord::queued(channel));
    if (!level) ring_bell(record_, channel_.ring_descriptor_);
  }

 private:
  // The order matters to repair_putting(): the link, the owner, the hint; then publish. Once the
  // hint names the segment, only who repairs may free it, and no reclaim of what the dead held.
  BlockIndex link_segment() noexcept {
    auto next =
        make_segment(channel_.index_, position_ + 1, segment_, next_segment_bytes(segment_));
    if (!next) {
      last_failure = std::move(next).failure();
      return memory::kNoBlock;
    }
    ::new (segment_at(segment_, position_)) RecordHead{kLink, 0, 0, 0, *next, 0};
    memory::set_owner(*next, OwnerWord::putting(memory::self(), channel_.index_, published_.count));
    // After the owner, whatever the compiler would like: a death in between leaves the old hint.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    record_.put_segment = *next;
    linked_ = *next;
    return *next;
  }

  Channel& channel_;
  ChannelRecord& record_;
  Progress published_;
  std::uint32_t position_ = 0;
  std::uint32_t units_ = 0;
  BlockIndex segment_ = memory::kNoBlock;
  SegmentHead* segment_head_ = nullptr;
  BlockIndex linked_ = memory::kNoBlock;
};

void Channel::expect_put() noexcept {
  if (!valid()) return;
  // The getter has read there last, so the line is in its cache.
  const std::byte* const next = spins_->next_put.load(std::memory_order_relaxed);
  if (next != nullptr) os::fetch_to_write(next);
}

Put Channel::try_put(const Outgoing& message, Contend contend, std::uint32_t* number) noexcept {
  if (!memory::in_family() || !is_open(name())) return Put::closed;
  ChannelRecord& record = record_of(index_);
  const Entry entry{message.kind, false, weight_of(bytes_in(message)), message.body,
                    message.blocks};
  const Put outcome = fits_inline(message) ? put_entry(entry, contend, number)
                                           : put_outlined(message, entry.weight, contend, number);
  if (outcome != Put::done) return outcome;
  trace::add(trace::Counter::messages_put, 1);
  sync::wake_one(record.published, record.getters);
  if (record.room_level.load(std::memory_order_seq_cst) != 0 && full()) {
    silence_room_bell_if_full(record, room_descriptor_);
  }
  return Put::done;
}

Put Channel::put_outlined(const Outgoing& message, std::uint32_t weight, Contend contend,
                          std::uint32_t* number) noexcept {
  if (!seems_to_have_room_for(record_of(index_), weight)) return Put::full;
  auto outline = write_outline(message);
  if (!outline) {
    last_failure = std::move(outline).failure();
    return Put::no_memory;
  }
  std::vector<BlockIndex> all;
  all.reserve(1 + message.blocks.size());
  all.push_back(*outline);
  all.insert(all.end(), message.blocks.begin(), message.blocks.end());
  const Put outcome = put_entry({message.kind, true, weight, {}, all}, contend, number);
  if (outcome != Put::done) memory::release_block(*outline);
  return outcome;
}

Put Channel::put_entry(const Entry& entry, Contend contend, std::uint32_t* number) noexcept {
  const std::span<const BlockIndex> listed = entry.outlined ? entry.blocks.first(1) : entry.blocks;
  const std::size_t indices = indices_bytes(listed.size());
  const std::size_t total = sizeof(RecordHead) + indices + round_to_unit(entry.body.size());

  ChannelRecord& record = record_of(index_);
  if (!lock_putting(record, contend)) return Put::busy;
  Putter putter(*this, record);
  Put outcome = Put::done;
  if (!has_room_for(record, entry.weight, putter.published())) {
    outcome = Put::full;
  } else if (std::byte* place = putter.claim(total); place == nullptr) {
    outcome = Put::no_memory;
  } else {
    if (number != nullptr) *number = putter.published().count;
    if (entry.blocks.empty() && entry.body.size() <= kSmallBody) {
      write_small(record, putter.published(),
                  SmallHead::of(static_cast<std::uint8_t>(entry.kind),
                                static_cast<std::uint32_t>(entry.body.size()), entry.weight),
                  entry.body, place);
    } else {
      clear_latest(record, putter.published());
      ::new (place) RecordHead{static_cast<std::uint32_t>(total / kUnit),
                               static_cast<std::uint16_t>(listed.size()),
                               static_cast<std::uint8_t>(entry.kind),
                               static_cast<std::uint8_t>(entry.outlined ? 1 : 0),
                               static_cast<std::uint32_t>(entry.body.size()),
                               entry.weight};
      place += sizeof(RecordHead);
      if (!listed.empty()) std::memcpy(place, listed.data(), listed.size_bytes());
      if (!entry.body.empty()) std::memcpy(place + indices, entry.body.data(), entry.body.size());
    }
    putter.publish(entry.blocks, entry.weight);
    spins_->next_put.store(putter.next(), std::memory_order_relaxed);
  }
  memory::unlock(record.put_lock);
  return outcome;
}

const Failure& last_put_failure() noexcept { return last_failure; }

}  // namespace onecopy::channel
