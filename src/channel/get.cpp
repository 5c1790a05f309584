// Getting: under the lock the record is copied out, from beside `published` or from its segment,
// and its first block is named as on its way; one store of `taken` makes the message, blocks and
// all, the getter's.
#include <cstring>
#include <utility>

#include "channel/bell.hpp"
#include "channel/channel.hpp"
#include "channel/latest.hpp"
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
  Getter(std::uint32_t channel, ChannelRecord& record, Progress taken) noexcept
      : channel_(channel), record_(record), taken_(taken) {}

  // Where the message is the latest and small, all is done that is done under the lock before
  // commit_take().
  bool copy_latest(Progress published, Incoming& message, std::byte* inline_body) noexcept {
    SmallHead head;
    if (!read_latest(record_, taken_, published, head, inline_body)) return false;
    message.kind = static_cast<Kind>(head.kind());
    message.blocks.clear();
    message.body = {inline_body, head.body_bytes()};
    after_ = published;
    weight_ = head.weight();
    return true;
  }

  // Goes to the message's record in its segment. False: no putter wrote what stands there.
  bool find_record() noexcept {
    segment_ = record_.get_segment;
    SegmentHead* segment_head = &channel::segment_head(segment_);
    std::uint32_t position = taken_.position;
    if (const BlockIndex next = linked(*segment_head, position); next != memory::kNoBlock) {
      passed_ = segment_;
      segment_ = next;
      segment_head = &channel::segment_head(next);
      position = segment_head->base;
    }
    head_ = reinterpret_cast<const RecordHead*>(segment_at(*segment_head, position));
    after_ = {taken_.count + 1, position + head_->units};
    weight_ = head_->weight;
    return is_sound(segment_units(segment_) - (position - segment_head->base));
  }

  void copy_record(Incoming& message, std::byte* inline_body) const {
    message.kind = static_cast<Kind>(head_->kind);
    const std::byte* place = reinterpret_cast<const std::byte*>(head_) + sizeof(RecordHead);
    message.blocks.resize(head_->block_count);
    if (head_->block_count != 0) {
      std::memcpy(message.blocks.data(), place, head_->block_count * sizeof(BlockIndex));
    }
    std::memcpy(inline_body, place + indices_bytes(head_->block_count), head_->body_bytes);
    message.body = {inline_body, head_->body_bytes};
  }

  // Where the next record will be, after find_record().
  const std::byte* next() const noexcept {
    return reinterpret_cast<const std::byte*>(head_) + std::size_t{head_->units} * kUnit;
  }

  // `notice` may be null.
  void commit_take(Notice* notice) noexcept {
    // Release: who reads it finds what this getter did before. The commit does not come first.
    if (notice != nullptr) notice->store(note_of(taken_.count), std::memory_order_release);
    const BlockIndex first = head_ != nullptr ? first_block() : memory::kNoBlock;
    if (first != memory::kNoBlock) {
      memory::set_owner(first, OwnerWord::taking(memory::self(), channel_, taken_.count));
    }
    add_next(record_.weight_taken, taken_, weight_);
    // The message is this process's from this store on.
    commit(record_.taken, after_);
    if (first != memory::kNoBlock) memory::set_owner(first, OwnerWord::held(memory::self()));
    if (passed_ == memory::kNoBlock) return;
    // The hint first: repair_getting() frees what lies before it.
    record_.get_segment = segment_;
    memory::Books().put_back(passed_);
  }

  bool outlined() const noexcept { return head_ != nullptr && head_->outline != 0; }

 private:
  // `left`: the units that the segment has from the record on.
  bool is_sound(std::uint32_t left) const noexcept {
    const std::size_t needs =
        sizeof(RecordHead) + indices_bytes(head_->block_count) + head_->body_bytes;
    if (head_->units > left || needs > std::size_t{head_->units} * kUnit) return false;
    if (head_->body_bytes > kInlineBody) return false;
    if (head_->outline != 0 && head_->block_count == 0) return false;
    return head_->block_count == 0 || is_plausible(first_block(), channel_);
  }

  // kNoBlock: the message has none.
  BlockIndex first_block() const noexcept {
    if (head_->block_count == 0) return memory::kNoBlock;
    BlockIndex first;
    std::memcpy(&first, reinterpret_cast<const std::byte*>(head_) + sizeof(RecordHead),
                sizeof first);
    return first;
  }

  std::uint32_t channel_;
  ChannelRecord& record_;
  Progress taken_;
  Progress after_;
  std::uint32_t weight_ = 0;
  BlockIndex segment_ = memory::kNoBlock;
  BlockIndex passed_ = memory::kNoBlock;
  const RecordHead* head_ = nullptr;
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
  ChannelRecord& record = record_of(index_);
  const std::uint32_t messages = waiting(record);
  if (messages == 0 && !has_message()) return Get::empty;
  if (messages != 1 || !has_latest(record)) {
    // Fetched while the lock is taken.
    const std::byte* const expected = spins_->next_taken.load(std::memory_order_relaxed);
    if (expected != nullptr) os::fetch_to_read(expected);
  }
  if (!lock_getting(record, contend)) return Get::busy;
  const Progress taken = load(record.taken);
  const Progress published = load(record.published);
  if (published.count == taken.count) {
    memory::unlock(record.get_lock);
    return Get::empty;
  }
  Getter getter(index_, record, taken);
  message.reset();
  if (!getter.copy_latest(published, message, message.inline_body_)) {
    if (!getter.find_record()) {
      message.body = {};
      memory::unlock(record.get_lock);
      return Get::corrupt;
    }
    getter.copy_record(message, message.inline_body_);
    spins_->next_taken.store(getter.next(), std::memory_order_relaxed);
  }
  const bool outlined = getter.outlined();
  // Sequentially consistent: pairs with keep_room_bell_level(), which then takes the lock we hold.
  // Before the message is taken: who wakes and finds no room silences the bell under this lock.
  if (record.room_level.load(std::memory_order_seq_cst) != 0) {
    ring_room_bell(record, room_descriptor_);
  }
  getter.commit_take(notice);
  const bool ran_empty =
      record.bell_level.load(std::memory_order_seq_cst) != 0 && waiting(record) == 0;
  memory::unlock(record.get_lock);

  sync::wake_one(record.taken, record.putters);
  if (ran_empty) silence_bell_if_empty(record, ring_descriptor_, hear_descriptor_);
  if (!message.blocks.empty()) {
    const BlockIndex head = message.blocks[0];
    if ((outlined && !message.unfold(head)) || !own_parts(message.blocks, head)) {
      message.blocks.clear();
      message.body = {};
      free_with_parts(head);
      return Get::corrupt;
    }
    if (outlined) message.keep_body_in(head);
  }
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
