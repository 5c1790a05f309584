// Getting: under the lock the record is copied out and its first block is named as on its way; one
// store of `taken` makes the message, blocks and all, the getter's.
#include <cstring>
#include <utility>

#include "channel/bell.hpp"
#include "channel/channel.hpp"
#include "channel/locks.hpp"
#include "channel/record.hpp"
#include "channel/repair.hpp"
#include "channel/segment.hpp"
#include "channel/spins.hpp"
#include "channel/table.hpp"
#include "memory/books.hpp"
#include "memory/owner.hpp"
#include "memory/owner_word.hpp"
#include "os/cpu.hpp"
#include "trace/trace.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerWord;

// A block that a record names must exist and be the channel's; anything else is not what a putter
// writes.
bool is_plausible(BlockIndex block, std::uint32_t channel) noexcept {
  if (block >= memory::block_count()) return false;
  const OwnerWord owner = memory::owner_of(block);
  return (owner.state() == memory::OwnerState::queued ||
          owner.state() == memory::OwnerState::putting) &&
         owner.channel() == channel;
}

// Makes the further blocks of a message taken this process's own; false, and nothing changed, where
// one is not what its putter wrote.
bool own_parts(std::span<const BlockIndex> blocks, BlockIndex head) noexcept {
  const std::uint32_t count = memory::block_count();
  for (const BlockIndex block : blocks) {
    if (block == head) continue;
    if (block >= count || memory::owner_of(block) != OwnerWord::part(head)) return false;
  }
  for (const BlockIndex block : blocks) {
    if (block != head) memory::set_owner(block, OwnerWord::held(memory::self()));
  }
  return true;
}

}  // namespace

Incoming::~Incoming() { reset(); }

void Incoming::discard() noexcept {
  let_go_of_kept();
  for (const BlockIndex block : blocks) {
    if (block != memory::kNoBlock) memory::release_block(block);
  }
  blocks.clear();
}

void Incoming::let_go_of_kept() noexcept {
  for (BlockIndex& block : blocks) {
    // Only what is kept has views, and one of them is the message's own.
    if (block == memory::kNoBlock || memory::view_count(block) == 0) continue;
    memory::release_view(std::exchange(block, memory::kNoBlock));
  }
}

// One get under way, with the lock for getting held and a message waiting.
class Getter {
 public:
  Getter(std::uint32_t channel, ChannelRecord& record) noexcept
      : channel_(channel),
        record_(record),
        taken_(load(record.taken)),
        position_(taken_.position),
        segment_(record.get_segment),
        segment_head_(&segment_head(segment_)) {
    if (const BlockIndex next = linked(*segment_head_, position_); next != memory::kNoBlock) {
      passed_ = segment_;
      segment_ = next;
      segment_head_ = &segment_head(next);
      position_ = segment_head_->base;
    }
    head_ = reinterpret_cast<const RecordHead*>(segment_at(*segment_head_, position_));
  }

  bool is_sound() const noexcept {
    const std::uint32_t left = segment_units(segment_) - (position_ - segment_head_->base);
    const std::size_t needs =
        sizeof(RecordHead) + indices_bytes(head_->block_count) + head_->body_bytes;
    if (head_->units > left || needs > std::size_t{head_->units} * kUnit) return false;
    if (head_->body_bytes > kInlineBody) return false;
    if (head_->outline != 0 && head_->block_count == 0) return false;
    return head_->block_count == 0 || is_plausible(first_block(), channel_);
  }

  void copy_to(Incoming& message, std::byte* inline_body) const {
    message.kind = static_cast<Kind>(head_->kind);
    const std::byte* place = reinterpret_cast<const std::byte*>(head_) + sizeof(RecordHead);
    message.blocks.resize(head_->block_count);
    if (head_->block_count != 0) {
      std::memcpy(message.blocks.data(), place, head_->block_count * sizeof(BlockIndex));
    }
    std::memcpy(inline_body, place + indices_bytes(head_->block_count), head_->body_bytes);
    message.body = {inline_body, head_->body_bytes};
  }

  // Where the next record will be.
  const std::byte* next() const noexcept {
    return segment_at(*segment_head_, position_ + head_->units);
  }

  // `notice` may be null.
  void commit_take(Notice* notice) noexcept {
    // Release: who reads it finds what this getter did before. The commit does not come first.
    if (notice != nullptr) notice->store(note_of(taken_.count), std::memory_order_release);
    const bool has_blocks = head_->block_count != 0;
    const BlockIndex first = has_blocks ? first_block() : memory::kNoBlock;
    if (has_blocks) {
      memory::set_owner(first, OwnerWord::taking(memory::self(), channel_, taken_.count));
    }
    add_next(record_.weight_taken, taken_, head_->weight);
    // The message is this process's from this store on.
    commit(record_.taken, {taken_.count + 1, position_ + head_->units});
    if (has_blocks) memory::set_owner(first, OwnerWord::held(memory::self()));
    if (passed_ == memory::kNoBlock) return;
    // The hint first: repair_getting() frees what lies before it.
    record_.get_segment = segment_;
    memory::Books().put_back(passed_);
  }

  bool outlined() const noexcept { return head_->outline != 0; }

 private:
  BlockIndex first_block() const noexcept {
    BlockIndex first;
    std::memcpy(&first, reinterpret_cast<const std::byte*>(head_) + sizeof(RecordHead),
                sizeof first);
    return first;
  }

  std::uint32_t channel_;
  ChannelRecord& record_;
  Progress taken_;
  std::uint32_t position_;
  BlockIndex segment_;
  SegmentHead* segment_head_;
  BlockIndex passed_ = memory::kNoBlock;
  const RecordHead* head_;
};

// Replaces an outline block by what it stands for. False where it is none.
bool Incoming::unfold(BlockIndex outline) {
  const std::size_t length = memory::block_length(outline);
  const std::byte* data = memory::block_data(outline);
  OutlineHead head;
  if (length < sizeof head) return false;
  std::memcpy(&head, data, sizeof head);
  const std::size_t indices = indices_bytes(head.block_count);
  if (indices > length - sizeof head || head.body_bytes > length - sizeof head - indices) {
    return false;
  }
  blocks.resize(head.block_count);
  if (head.block_count != 0) {
    std::memcpy(blocks.data(), data + sizeof head, head.block_count * sizeof(BlockIndex));
  }
  body = {data + sizeof head + indices, head.body_bytes};
  return true;
}

void Incoming::keep_body_in(BlockIndex outline) noexcept {
  body_block_ = outline;
  memory::retain_view(outline);
}

void Incoming::reset() noexcept {
  if (body_block_ != memory::kNoBlock) memory::release_view(body_block_);
  body_block_ = memory::kNoBlock;
}

Get Channel::try_get(Incoming& message, Contend contend, Notice* notice) noexcept {
  if (!memory::in_family() || !is_open(name())) return Get::closed;
  if (!has_message()) return Get::empty;
  ChannelRecord& record = record_of(index_);
  // Fetched while the lock is taken.
  const std::byte* const expected = spins_->next_taken.load(std::memory_order_relaxed);
  if (expected != nullptr) os::fetch_to_read(expected);
  if (!lock_getting(record, contend)) return Get::busy;
  if (size() == 0) {
    memory::unlock(record.get_lock);
    return Get::empty;
  }
  Getter getter(index_, record);
  if (!getter.is_sound()) {
    memory::unlock(record.get_lock);
    return Get::corrupt;
  }
  message.reset();
  getter.copy_to(message, message.inline_body_);
  const bool outlined = getter.outlined();
  // Sequentially consistent: pairs with keep_room_bell_level(), which then takes the lock we hold.
  // Before the message is taken: who wakes and finds no room silences the bell under this lock.
  if (record.room_level.load(std::memory_order_seq_cst) != 0) {
    ring_room_bell(record, room_descriptor_);
  }
  spins_->next_taken.store(getter.next(), std::memory_order_relaxed);
  getter.commit_take(notice);
  const bool ran_empty = record.bell_level.load(std::memory_order_seq_cst) != 0 && size() == 0;
  memory::unlock(record.get_lock);

  sync::wake_one(record.taken, record.putters);
  if (ran_empty) silence_bell_if_empty(record, ring_descriptor_, hear_descriptor_);
  const BlockIndex head = message.blocks.empty() ? memory::kNoBlock : message.blocks[0];
  if ((outlined && !message.unfold(head)) || !own_parts(message.blocks, head)) {
    message.blocks.clear();
    message.body = {};
    free_with_parts(head);
    return Get::corrupt;
  }
  if (outlined) message.keep_body_in(head);
  trace::add(trace::Counter::messages_taken, 1);
  return Get::done;
}

std::uint32_t Channel::taken() noexcept {
  ChannelRecord& record = record_of(index_);
  lock_getting(record);
  const std::uint32_t count = load(record.taken).count;
  memory::unlock(record.get_lock);
  return count;
}

}  // namespace onecopy::channel
