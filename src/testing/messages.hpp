// Messages that can be told from each other and from rubbish, however they travel. For tests only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "channel/channel.hpp"
#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"

namespace onecopy::testing {

// How a message is made up. A body has room for the number that names it.
struct Shape {
  const char* name;
  std::size_t body;
  std::vector<std::size_t> blocks;

  friend void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }
};

// One of each way that a message can travel.
inline const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {
      {"Inline", 20, {}},
      {"OneBlock", 20, {500}},
      {"ThreeBlocks", 20, {100, 500, 6000}},
      {"NewSegment", channel::kInlineBody, {}},
      {"NewSegmentWithBlock", channel::kInlineBody, {100}},
      {"Outlined", channel::kInlineBody + 1, {}},
      {"OutlinedWithBlocks", channel::kInlineBody + 1, {100, 500}},
      {"NotSmall", 100, {}},
  };
  return all;
}

// One that no reader of messages knows: a channel carries any.
inline constexpr channel::Kind kKind{7};

// A message not yet put: its bytes, in ordinary memory.
struct Draft {
  std::uint32_t number = 0;
  std::vector<std::byte> body;
  std::vector<std::vector<std::byte>> blocks;
};

inline std::vector<std::byte> pattern(std::uint32_t number, std::size_t part, std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(number * 31 + part * 7 + i * (i / 251 + 1));
  }
  return bytes;
}

inline Draft draft(std::uint32_t number, const Shape& shape) {
  Draft made{number, pattern(number, 0, shape.body), {}};
  std::memcpy(made.body.data(), &number, sizeof number);
  for (std::size_t i = 0; i < shape.blocks.size(); ++i) {
    made.blocks.push_back(pattern(number, i + 1, shape.blocks[i]));
  }
  return made;
}

// Copies the blocks into the arena and calls `putting` with the message; on anything but done
// nothing is left of them.
template <class Putting>
channel::Put put_by(const Draft& draft, const Putting& putting) {
  std::vector<memory::BlockIndex> blocks;
  blocks.reserve(draft.blocks.size());
  for (const auto& bytes : draft.blocks) {
    const auto block = memory::allocate_block(bytes.size());
    if (!block || !memory::fill_block(*block, 0, bytes.data(), bytes.size())) std::abort();
    blocks.push_back(*block);
  }
  const channel::Put outcome = putting(channel::Outgoing{kKind, draft.body, blocks});
  if (outcome != channel::Put::done) {
    for (const memory::BlockIndex block : blocks) memory::release_block(block);
  }
  return outcome;
}

inline channel::Put put(channel::Channel& channel, const Draft& draft) {
  return put_by(draft, [&channel](const channel::Outgoing& message) {
    return channel.try_put(message, channel::Contend::yes);
  });
}

// What was taken, its blocks released.
struct Taken {
  channel::Get outcome;
  std::uint32_t number = 0;
  std::string wrong;  // what is not as it was put; empty: all is
};

inline bool holds(memory::BlockIndex block, const std::vector<std::byte>& bytes) {
  return memory::block_length(block) == bytes.size() &&
         std::memcmp(memory::block_data(block), bytes.data(), bytes.size()) == 0;
}

// Compares every byte of a message that was taken with what a putter of that number put, and
// releases its blocks.
inline Taken examine(channel::Incoming& message, const std::vector<Shape>& known = shapes()) {
  Taken taken{channel::Get::done, 0, "no shape fits"};
  if (message.body.size() >= sizeof taken.number) {
    std::memcpy(&taken.number, message.body.data(), sizeof taken.number);
    for (const Shape& shape : known) {
      if (shape.body != message.body.size() || shape.blocks.size() != message.blocks.size()) {
        continue;
      }
      const Draft expected = draft(taken.number, shape);
      bool equal = std::memcmp(message.body.data(), expected.body.data(), shape.body) == 0;
      for (std::size_t i = 0; i < shape.blocks.size(); ++i) {
        equal = equal && holds(message.blocks[i], expected.blocks[i]);
      }
      taken.wrong = equal ? "" : std::string("message of shape ") + shape.name + " is torn";
      if (equal) break;
    }
  }
  if (message.kind != kKind) taken.wrong = "the kind is wrong";
  message.discard();
  return taken;
}

inline Taken take(channel::Channel& channel, const std::vector<Shape>& known = shapes()) {
  channel::Incoming message;
  const channel::Get outcome = channel.try_get(message, channel::Contend::yes);
  return outcome == channel::Get::done ? examine(message, known) : Taken{outcome, 0, {}};
}

// Takes until the channel is empty: the numbers, in order.
inline std::vector<std::uint32_t> drain(channel::Channel& channel) {
  std::vector<std::uint32_t> numbers;
  for (;;) {
    const Taken taken = take(channel);
    if (taken.outcome == channel::Get::empty) return numbers;
    EXPECT_EQ(taken.outcome, channel::Get::done);
    EXPECT_EQ(taken.wrong, "");
    if (taken.outcome != channel::Get::done) return numbers;
    numbers.push_back(taken.number);
  }
}

inline channel::Channel make_channel(channel::Options options = {}) {
  auto made = channel::Channel::create(options);
  EXPECT_TRUE(made) << made.failure().text();
  return std::move(*made);
}

inline void expect_sound(const channel::Channel& channel) {
  EXPECT_EQ(channel.validate(), "");
  EXPECT_EQ(memory::validate_memory(), "");
}

inline std::uint64_t bytes_in_use() { return memory::take_census().in_use; }

}  // namespace onecopy::testing
