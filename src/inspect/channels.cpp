#include "inspect/channels.hpp"

#include <algorithm>

#include "channel/record.hpp"

namespace onecopy::inspect {

using channel::ChannelRecord;
using channel::Progress;
using channel::RunningSum;

namespace {

constexpr std::uint64_t kWeightStep = 64;  // bytes

Progress progress_in(const std::atomic<std::uint64_t>& word) noexcept {
  return Progress::of(word.load(std::memory_order_relaxed));
}

std::uint32_t count_in(const sync::Sleepers& sleepers) noexcept {
  return sleepers.word.load(std::memory_order_relaxed) & sync::kSleeperCount;
}

// How far `put` is ahead. Who reads `taken` later, or from another moment, may find it ahead.
std::uint32_t difference(std::uint32_t put, std::uint32_t taken) noexcept {
  return static_cast<std::uint32_t>(std::max(static_cast<std::int32_t>(put - taken), 0));
}

std::uint64_t steps_waiting(const ChannelRecord& record) noexcept {
  const std::uint64_t put = channel::sum_at(record.weight_put, progress_in(record.published));
  const std::uint64_t taken = channel::sum_at(record.weight_taken, progress_in(record.taken));
  return put > taken ? put - taken : 0;
}

bool is_open(const ChannelRecord& record) noexcept {
  return static_cast<std::uint32_t>(record.state.load(std::memory_order_relaxed)) ==
         static_cast<std::uint32_t>(channel::State::open);
}

Channel channel_in(std::uint32_t index, const ChannelRecord& record) {
  Channel channel;
  channel.index = index;
  channel.generation =
      static_cast<std::uint32_t>(record.state.load(std::memory_order_relaxed) >> 32);
  channel.maximum = record.maximum;
  channel.maximum_bytes = record.maximum_weight * kWeightStep;
  channel.put = progress_in(record.published).count;
  channel.taken = progress_in(record.taken).count;
  channel.done = progress_in(record.done).count;
  channel.waiting = difference(channel.put, channel.taken);
  if (channel.maximum != 0) channel.waiting = std::min(channel.waiting, channel.maximum);
  if (channel.waiting != 0) channel.bytes = steps_waiting(record) * kWeightStep;
  channel.getters_asleep = count_in(record.getters);
  channel.putters_asleep = count_in(record.putters);
  channel.joiners_asleep = count_in(record.joiners);
  return channel;
}

// Adds the member to the holders of each channel that its ledger has.
void add_holder(ArenaReader& arena, memory::Slot slot, std::vector<Channel>& channels) {
  constexpr std::uint32_t kBits = 64;
  std::vector<std::uint64_t> ledger((arena.head().channels + kBits - 1) / kBits);
  arena.read(memory::kChannelLedgerOffset + slot * memory::kChannelLedgerBytes, ledger);
  for (Channel& channel : channels) {
    if ((ledger[channel.index / kBits] >> (channel.index % kBits) & 1) != 0) {
      channel.holders.push_back(slot);
    }
  }
}

}  // namespace

std::vector<Channel> read_channels(ArenaReader& arena, std::span<const Member> members) {
  std::vector<Channel> channels;
  for (std::uint32_t index = 0; index < arena.head().channels; ++index) {
    const std::uint64_t offset =
        memory::kChannelsOffset + std::uint64_t{index} * memory::kChannelBytes;
    ChannelRecord record;
    // One that never settles is one that is much in use: its words are of moments close together.
    static_cast<void>(arena.read_settled(offset, record));
    if (is_open(record)) channels.push_back(channel_in(index, record));
  }
  for (const Member& member : members) add_holder(arena, member.slot, channels);
  return channels;
}

}  // namespace onecopy::inspect
