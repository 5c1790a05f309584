#include "channel/channel.hpp"

#include <utility>

#include "channel/bell.hpp"
#include "channel/locks.hpp"
#include "channel/record.hpp"
#include "channel/repair.hpp"
#include "channel/spins.hpp"
#include "channel/table.hpp"
#include "memory/housekeeping.hpp"
#include "memory/ledger.hpp"
#include "memory/reclaim.hpp"
#include "trace/trace.hpp"

namespace onecopy::channel {
namespace {

// Times a wait, and uses what is left of a slice in which nothing came.
template <class Waiting>
Wait timed(const Waiting& waiting) noexcept {
  const trace::Span span(trace::Counter::wait_time);
  const Wait outcome = waiting();
  if (outcome == Wait::timed_out) {
    memory::housekeep();
    memory::look_for_dead();
  }
  return outcome;
}

}  // namespace

Channel::Channel() noexcept = default;

Channel::Channel(std::uint32_t index, std::uint32_t generation)
    : index_(index), generation_(generation), spins_(std::make_unique<Spins>()) {}

Channel::Channel(Channel&& other) noexcept
    : index_(std::exchange(other.index_, memory::kNoChannel)),
      generation_(other.generation_),
      ring_descriptor_(other.ring_descriptor_),
      hear_descriptor_(other.hear_descriptor_),
      room_descriptor_(other.room_descriptor_),
      spins_(std::move(other.spins_)) {}

Channel& Channel::operator=(Channel&& other) noexcept {
  std::swap(index_, other.index_);
  std::swap(generation_, other.generation_);
  std::swap(ring_descriptor_, other.ring_descriptor_);
  std::swap(hear_descriptor_, other.hear_descriptor_);
  std::swap(room_descriptor_, other.room_descriptor_);
  std::swap(spins_, other.spins_);
  return *this;
}

Channel::~Channel() {
  if (valid()) let_go_channel(name());
}

Result<Channel> Channel::create(Options options) {
  const auto name = make_channel(options);
  if (!name) return name.failure();
  return Channel(name->index, name->generation);
}

Result<Channel> Channel::open(Name name) {
  if (auto held = hold_channel(name); !held) return std::move(held).failure();
  return Channel(name.index, name.generation);
}

bool Channel::valid() const noexcept { return index_ != memory::kNoChannel; }

void Channel::hold_for(memory::Slot slot) noexcept {
  memory::ledger_set(memory::Ledger::channels, slot, index_);
}

void Channel::set_bell(int ring_descriptor, int hear_descriptor) noexcept {
  ring_descriptor_ = ring_descriptor;
  hear_descriptor_ = hear_descriptor;
}

void Channel::keep_bell_level() noexcept {
  if (!memory::in_family()) return;
  ChannelRecord& record = record_of(index_);
  // Sequentially consistent: a getter that empties the channel after this silences the bell.
  record.bell_level.store(1, std::memory_order_seq_cst);
  silence_bell_if_empty(record, ring_descriptor_, hear_descriptor_);
}

void Channel::set_room_bell(int descriptor) noexcept { room_descriptor_ = descriptor; }

void Channel::keep_room_bell_level() noexcept {
  if (!memory::in_family()) return;
  ChannelRecord& record = record_of(index_);
  // Sequentially consistent: a putter that fills the channel after this silences the bell, and a
  // getter that did not see it has its lock still, for which we wait.
  record.room_level.store(1, std::memory_order_seq_cst);
  silence_room_bell_if_full(record, room_descriptor_);
}

void Channel::note_name() noexcept {
  if (!memory::in_family()) return;
  ChannelRecord& record = record_of(index_);
  // Sequentially consistent, and before the rings: who hears them sees it.
  record.has_name.store(1, std::memory_order_seq_cst);
  lock_putting(record);
  ring_bell(record, ring_descriptor_);
  memory::unlock(record.put_lock);
  lock_getting(record);
  ring_room_bell(record, room_descriptor_);
  memory::unlock(record.get_lock);
}

bool Channel::has_name() const noexcept {
  return record_of(index_).has_name.load(std::memory_order_seq_cst) != 0;
}

std::uint32_t Channel::size() const noexcept { return waiting(record_of(index_)); }

bool Channel::full() const noexcept { return is_full(record_of(index_)); }

bool Channel::has_message() noexcept {
  ChannelRecord& record = record_of(index_);
  if (size() == 0 && record.bell_level.load(std::memory_order_relaxed) != 0 &&
      record.bell_rung.load(std::memory_order_relaxed) != Rung::no) {
    silence_bell_if_empty(record, ring_descriptor_, hear_descriptor_);
  }
  return size() != 0;
}

bool Channel::has_room() noexcept {
  ChannelRecord& record = record_of(index_);
  if (full() && record.room_level.load(std::memory_order_relaxed) != 0 &&
      record.room_rung.load(std::memory_order_relaxed) != Rung::no) {
    silence_room_bell_if_full(record, room_descriptor_);
  }
  return !full();
}

std::uint32_t Channel::maximum() const noexcept { return record_of(index_).maximum; }

Wait Channel::wait_for_message(os::Deadline deadline) noexcept {
  ChannelRecord& record = record_of(index_);
  return timed([&] {
    return sync::wait_on(
        record.published, record.getters, spins_->message, [this] { return size() != 0; },
        deadline);
  });
}

Wait Channel::wait_for_room(os::Deadline deadline) noexcept {
  ChannelRecord& record = record_of(index_);
  // For bytes any message taken is worth another try.
  const std::uint32_t seen = load(record.taken).count;
  return timed([&] {
    return sync::wait_on(
        record.taken, record.putters, spins_->room,
        [&] {
          return (record.maximum != 0 && !full()) || load(record.taken).count != seen ||
                 size() == 0;
        },
        deadline);
  });
}

Wait Channel::wait_for_bell(os::Deadline deadline, bool& hung_up) noexcept {
  ChannelRecord& record = record_of(index_);
  return timed([&] {
    const auto ready = [this] { return size() != 0; };
    hung_up = false;
    if (spins_->message.spin(ready, deadline)) return Wait::ready;
    hung_up = silence_bell_if_empty(record, ring_descriptor_, hear_descriptor_);
    if (hung_up || ready()) return Wait::ready;
    trace::add(trace::Counter::sleeps, 1);
    const os::Poll heard =
        os::poll_one(hear_descriptor_, true, false, deadline.earlier_of(sync::kSlice));
    if (heard.interrupted) return Wait::interrupted;
    if (heard.timed_out) return ready() ? Wait::ready : Wait::timed_out;
    // Readable without a message: the other end is closed, or a bell rung early.
    if (!ready())
      hung_up = silence_bell_if_empty(record, ring_descriptor_, hear_descriptor_) || heard.invalid;
    return Wait::ready;
  });
}

bool Channel::task_done() noexcept {
  ChannelRecord& record = record_of(index_);
  Progress done = load(record.done);
  for (;;) {
    if (done.count == load(record.published).count) return false;
    std::uint64_t expected = done.word();
    const Progress next{done.count + 1, 0};
    // Sequentially consistent: pairs with the joiner that counts itself, then looks.
    if (record.done.compare_exchange_strong(expected, next.word(), std::memory_order_seq_cst)) {
      break;
    }
    done = Progress::of(expected);
  }
  if (all_done()) sync::wake_all(record.done, record.joiners);
  return true;
}

bool Channel::all_done() const noexcept {
  const ChannelRecord& record = record_of(index_);
  return load(record.done).count == load(record.published).count;
}

Wait Channel::wait_for_all_done(os::Deadline deadline) noexcept {
  ChannelRecord& record = record_of(index_);
  return timed([&] {
    return sync::wait_on(
        record.done, record.joiners, spins_->done, [this] { return all_done(); }, deadline);
  });
}

}  // namespace onecopy::channel
