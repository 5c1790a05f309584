#include "channel/table.hpp"

#include <atomic>
#include <mutex>
#include <new>
#include <string>

#include "channel/record.hpp"
#include "channel/repair.hpp"
#include "channel/segment.hpp"
#include "memory/ledger.hpp"
#include "memory/owner.hpp"
#include "memory/reclaim.hpp"

namespace onecopy::channel {
namespace {

using memory::Ledger;

constexpr std::size_t kFirstSegment = 4096;

// Handles of this process, per channel; changed under its mutex of handles.
std::uint32_t handles[memory::kMaxChannels];

constexpr State state_in(std::uint64_t word) { return static_cast<State>(word & 0xffffffffu); }
constexpr std::uint32_t generation_in(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32);
}

// Acquire: pairs with the release that opened the channel, so that its record is seen.
std::uint64_t state_word(std::uint32_t index) noexcept {
  return record_of(index).state.load(std::memory_order_acquire);
}

void set_state(std::uint32_t index, std::uint32_t generation, State state) noexcept {
  record_of(index).state.store(make_state(generation, state), std::memory_order_release);
}

// Frees a channel that nobody holds. Can be done again from the start at any point.
void free_channel(std::uint32_t index) noexcept {
  const std::uint32_t generation = generation_in(state_word(index));
  set_state(index, generation, State::closing);
  free_blocks_of_channel(index);
  set_state(index, generation, State::free);
}

void finish_what_the_dead_began() noexcept {
  const std::uint32_t high = memory::channel_count();
  for (std::uint32_t index = 0; index < high; ++index) {
    const State state = state_in(state_word(index));
    if (state == State::making || state == State::closing) free_channel(index);
    if (state == State::open && !memory::ledger_held_by_anyone(Ledger::channels, index)) {
      free_channel(index);
    }
  }
}

class TableLock {
 public:
  TableLock() noexcept {
    if (memory::lock(memory::header().channels) == memory::Acquired::from_dead) {
      finish_what_the_dead_began();
    }
  }
  // Without waiting for it where that dead member has it.
  TableLock(std::uint32_t slot, std::uint32_t generation) noexcept {
    if (memory::lock_of_dead(memory::header().channels, slot, generation) ||
        memory::lock(memory::header().channels) == memory::Acquired::from_dead) {
      finish_what_the_dead_began();
    }
  }
  ~TableLock() { memory::unlock(memory::header().channels); }
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;
};

std::uint32_t find_free() noexcept {
  const std::uint32_t high = memory::channel_count();
  for (std::uint32_t index = 0; index < high; ++index) {
    if (state_in(state_word(index)) == State::free) return index;
  }
  return high < memory::kMaxChannels ? high : memory::kNoChannel;
}

void write_record(ChannelRecord& record, const Options& options) noexcept {
  record.maximum = options.maximum;
  record.maximum_weight = options.maximum_bytes == 0 ? 0 : weight_of(options.maximum_bytes);
  record.bell_level.store(0, std::memory_order_relaxed);
  record.room_level.store(0, std::memory_order_relaxed);
  record.has_name.store(0, std::memory_order_relaxed);
  record.put_lock.word.store(0, std::memory_order_relaxed);
  for (auto& sum : record.weight_put.sums) sum.store(0, std::memory_order_relaxed);
  record.bell_rung.store(Rung::no, std::memory_order_relaxed);
  record.put = {};
  record.published.store(0, std::memory_order_relaxed);
  record.getters.word.store(0, std::memory_order_relaxed);
  record.latest.store(0, std::memory_order_relaxed);
  record.get_lock.word.store(0, std::memory_order_relaxed);
  record.room_rung.store(Rung::no, std::memory_order_relaxed);
  record.taken.store(0, std::memory_order_relaxed);
  for (auto& sum : record.weight_taken.sums) sum.store(0, std::memory_order_relaxed);
  record.putters.word.store(0, std::memory_order_relaxed);
  record.done.store(0, std::memory_order_relaxed);
  record.joiners.word.store(0, std::memory_order_relaxed);
}

// A dead member: its locks are released and what they guard is repaired, its holds are cleared.
void reclaim_channels(std::uint32_t slot, std::uint32_t generation) noexcept {
  const TableLock guard(slot, generation);
  const std::uint32_t high = memory::channel_count();
  for (std::uint32_t index = 0; index < high; ++index) {
    // Of every channel: who died while he took back what another dead one held had locks of
    // channels that he did not hold himself.
    if (state_in(state_word(index)) == State::open) release_locks_of_dead(index, slot, generation);
    if (!memory::ledger_has(Ledger::channels, slot, index)) continue;
    forget_sleepers(index);
    memory::ledger_clear(Ledger::channels, slot, index);
    if (state_in(state_word(index)) == State::open &&
        !memory::ledger_held_by_anyone(Ledger::channels, index)) {
      free_channel(index);
    }
  }
}

// While the program is loaded: a member that has no channel yet takes back channels of the dead
// too.
[[maybe_unused]] const bool hooked = memory::add_reclaim_hook(reclaim_channels);

}  // namespace

Result<Name> make_channel(const Options& options) {
  if (auto joined = memory::join_family(); !joined) return std::move(joined).failure();
  // Before the lock: for want of memory it may look for the dead, which takes the lock.
  auto segment = make_segment(0, 0, memory::kNoBlock, kFirstSegment);
  if (!segment) return std::move(segment).failure();
  const std::lock_guard handles_guard(memory::local().handles_mutex);
  const TableLock guard;
  const std::uint32_t index = find_free();
  if (index == memory::kNoChannel) {
    memory::release_block(*segment);
    return Failure{Error::too_many, 0,
                   "the family has " + std::to_string(memory::kMaxChannels) +
                       " queues and pipe directions already: close some"};
  }
  ChannelRecord& record = record_of(index);
  const std::uint32_t generation = generation_in(state_word(index)) + 1;
  set_state(index, generation, State::making);
  if (index >= memory::channel_count()) {
    memory::header().channel_high_water.store(index + 1, std::memory_order_release);
  }
  write_record(record, options);
  segment_head(*segment).channel = index;
  record.put_segment = *segment;
  record.get_segment = *segment;
  memory::set_owner(*segment, memory::OwnerWord::queued(index));
  memory::ledger_set(Ledger::channels, memory::self(), index);
  handles[index] = 1;
  set_state(index, generation, State::open);
  return Name{index, generation};
}

Result<void> hold_channel(Name name) {
  if (auto joined = memory::join_family(); !joined) return joined;
  const std::lock_guard handles_guard(memory::local().handles_mutex);
  const TableLock guard;
  if (!is_open(name)) {
    return Failure{Error::closed, 0, "the queue or pipe is gone: nobody held it any more"};
  }
  memory::ledger_set(Ledger::channels, memory::self(), name.index);
  ++handles[name.index];
  return {};
}

void let_go_channel(Name name) noexcept {
  if (!memory::in_family()) return;
  const std::lock_guard handles_guard(memory::local().handles_mutex);
  const TableLock guard;
  if (!is_open(name) || --handles[name.index] != 0) return;
  memory::ledger_clear(Ledger::channels, memory::self(), name.index);
  if (!memory::ledger_held_by_anyone(Ledger::channels, name.index)) free_channel(name.index);
}

}  // namespace onecopy::channel
