// The channels of a family, which are its queues and the directions of its pipes, as they are seen
// from outside. Any thread of any process, as arena_reader.hpp says.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inspect/arena_reader.hpp"
#include "inspect/members.hpp"

namespace onecopy::inspect {

// Counts of messages are modulo 2^32, counts of sleepers of threads, and bytes are rounded up to
// steps of 64 for each message.
struct Channel {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;     // with the index, one channel for ever
  std::uint32_t maximum = 0;        // messages that may wait; 0: no bound
  std::uint64_t maximum_bytes = 0;  // 0: no bound, as a queue has none; a pipe has one
  std::uint32_t put = 0;            // messages so far
  std::uint32_t taken = 0;
  std::uint32_t done = 0;     // reported done (JoinableQueue)
  std::uint32_t waiting = 0;  // messages: never more than `maximum`, where there is one
  std::uint64_t bytes = 0;    // of those that wait, their blocks included
  std::uint32_t getters_asleep = 0;
  std::uint32_t putters_asleep = 0;
  std::uint32_t joiners_asleep = 0;
  std::vector<memory::Slot> holders;  // members that have a handle on it
};

// Those that are open, by index.
std::vector<Channel> read_channels(ArenaReader& arena, std::span<const Member> members);

}  // namespace onecopy::inspect
