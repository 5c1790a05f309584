// What a put answers, and whose the blocks are then. That a death in the middle does no harm is
// shown by put_kill_test.cpp.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "channel/channel.hpp"
#include "channel/locks.hpp"
#include "channel/record.hpp"
#include "memory/owner.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerWord;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::make_channel;

class PutTest : public onecopy::testing::ChannelFixture {
 protected:
  static std::vector<BlockIndex> make_blocks(std::size_t count, std::size_t bytes = 100) {
    std::vector<BlockIndex> blocks;
    for (std::size_t i = 0; i < count; ++i) {
      blocks.push_back(memory::allocate_block(bytes).value());
    }
    return blocks;
  }
  static void release(const std::vector<BlockIndex>& blocks) {
    for (const BlockIndex block : blocks) memory::release_block(block);
  }
  static bool are_held(const std::vector<BlockIndex>& blocks) {
    for (const BlockIndex block : blocks) {
      if (memory::owner_of(block) != OwnerWord::held(memory::self())) return false;
    }
    return true;
  }

  Put put(std::size_t body, const std::vector<BlockIndex>& blocks = {},
          Contend contend = Contend::yes) {
    const std::vector<std::byte> bytes(body);
    return channel_.try_put({Kind::raw, bytes, blocks}, contend);
  }
  // Takes one message and throws it away.
  void take() {
    Incoming message;
    EXPECT_EQ(channel_.try_get(message, Contend::yes), Get::done);
    message.discard();
  }
};

TEST_F(PutTest, MakesTheBlocksTheChannelsOneOfThemForAll) {
  channel_ = make_channel();
  const auto blocks = make_blocks(3);

  ASSERT_EQ(put(10, blocks), Put::done);

  EXPECT_EQ(memory::owner_of(blocks[0]), OwnerWord::queued(channel_.name().index));
  EXPECT_EQ(memory::owner_of(blocks[1]), OwnerWord::part(blocks[0]));
  EXPECT_EQ(memory::owner_of(blocks[2]), OwnerWord::part(blocks[0]));
  expect_no_leak();
}

TEST_F(PutTest, OfMoreBlocksThanARecordListsHangsThemOnOneMore) {
  channel_ = make_channel();
  const auto blocks = make_blocks(257);

  ASSERT_EQ(put(10, blocks), Put::done);

  const OwnerWord owner = memory::owner_of(blocks[0]);
  ASSERT_EQ(owner.state(), memory::OwnerState::part);
  EXPECT_EQ(memory::owner_of(owner.head()), OwnerWord::queued(channel_.name().index));
  expect_sound(channel_);
  Incoming message;
  ASSERT_EQ(channel_.try_get(message, Contend::yes), Get::done);
  EXPECT_EQ(message.blocks, blocks);
  EXPECT_EQ(message.body.size(), 10u);
  message.discard();
}

TEST_F(PutTest, OfAnEmptyMessageIsAMessage) {
  channel_ = make_channel();

  ASSERT_EQ(put(0), Put::done);

  EXPECT_EQ(channel_.size(), 1u);
  take();
}

TEST_F(PutTest, LeavesTheBlocksWithTheCallerWhenThereIsNoRoom) {
  channel_ = make_channel({.maximum = 1});
  ASSERT_EQ(put(10), Put::done);
  const auto blocks = make_blocks(2);

  EXPECT_EQ(put(10, blocks), Put::full);
  EXPECT_EQ(put(kInlineBody + 1, blocks), Put::full);

  EXPECT_TRUE(are_held(blocks));
  release(blocks);
  expect_no_leak();
}

TEST_F(PutTest, CountsTheBytesOfBlocksAsInFlight) {
  channel_ = make_channel({.maximum_bytes = 64 * 100});
  const auto blocks = make_blocks(1, 64 * 60);
  ASSERT_EQ(put(64, blocks), Put::done);

  EXPECT_EQ(put(64 * 40), Put::full) << "one step of 64 bytes too much";
  EXPECT_EQ(put(64 * 39), Put::done);
  EXPECT_EQ(put(1), Put::full);

  take();
  EXPECT_EQ(put(64 * 61), Put::done);
  EXPECT_EQ(put(1), Put::full);
}

TEST_F(PutTest, TakesOneMessageHoweverLargeIntoAnEmptyChannel) {
  channel_ = make_channel({.maximum_bytes = 64});

  EXPECT_EQ(put(100'000), Put::done);
  EXPECT_EQ(put(1), Put::full);
  take();
  EXPECT_EQ(put(100'000), Put::done);
}

TEST_F(PutTest, IsBusyOnlyWhereItMayNotWaitForTheLock) {
  channel_ = make_channel();
  const auto blocks = make_blocks(1);
  lock_putting(record_of(channel_.name().index));

  EXPECT_EQ(put(10, blocks, Contend::never), Put::busy);
  EXPECT_EQ(put(kInlineBody + 1, blocks, Contend::never), Put::busy);

  memory::unlock(record_of(channel_.name().index).put_lock);
  EXPECT_TRUE(are_held(blocks));
  EXPECT_EQ(put(10, blocks, Contend::never), Put::done);
  take();
  expect_no_leak();
}

TEST_F(PutTest, SaysTheNumberOfTheMessage) {
  channel_ = make_channel();
  for (const std::uint32_t expected : {0, 1, 2}) {
    std::uint32_t number = 99;
    EXPECT_EQ(channel_.try_put({Kind::raw, {}, {}}, Contend::yes, &number), Put::done);
    EXPECT_EQ(number, expected);
  }
}

// In every state that its place may be in: never used, in use, in a segment that is free again.
TEST_F(PutTest, MayBeExpectedAtAnyTimeAndNeedNotCome) {
  channel_ = make_channel();
  for (int round = 0; round < 300; ++round) {
    channel_.expect_put();
    ASSERT_EQ(put(1000), Put::done);
    channel_.expect_put();
    take();
  }
  Channel other = Channel::open(channel_.name()).value();
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(other.try_put({Kind::raw, {}, {}}, Contend::yes), Put::done);
    take();
  }
  channel_.expect_put();
  EXPECT_EQ(channel_.size(), 0u);
  expect_sound(channel_);
  Channel().expect_put();
}

TEST(PutWithoutMemory, NamesTheLimitAndLeavesTheBlocksWithTheCaller) {
  onecopy::testing::in_fresh_process([] {
    Channel channel = make_channel();
    const BlockIndex block = memory::allocate_block(100).value();
    memory::header().limit = memory::header().resident;
    const std::vector<std::byte> large(10'000'000);

    EXPECT_EQ(channel.try_put({Kind::raw, large, {&block, 1}}, Contend::yes), Put::no_memory);

    EXPECT_EQ(last_put_failure().code, Error::no_memory);
    EXPECT_FALSE(last_put_failure().message.empty());
    EXPECT_EQ(memory::owner_of(block), OwnerWord::held(memory::self()));
    EXPECT_EQ(channel.size(), 0u);
    memory::release_block(block);
    expect_sound(channel);
  });
}

}  // namespace
}  // namespace onecopy::channel
