// What a repair must not be led astray by. That it puts right what a death leaves is shown by the
// kill tests.
#include "channel/repair.hpp"

#include <gtest/gtest.h>

#include "channel/record.hpp"
#include "channel/segment.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerWord;
using onecopy::testing::bytes_in_use;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::shapes;
using Numbers = std::vector<std::uint32_t>;

class RepairTest : public ::testing::Test {
 protected:
  RepairTest() {
    for (std::uint32_t i = 0; i < 5; ++i) put(channel_, draft(i, shapes()[i]));
    onecopy::testing::take(channel_);
  }
  ChannelRecord& record() { return record_of(index()); }
  std::uint32_t index() const { return channel_.name().index; }

  // The lock for getting was just taken over from a dead member.
  void repair_get_side() {
    ASSERT_EQ(memory::lock(record().get_lock), memory::Acquired::clean);
    repair_getting(index());
    memory::unlock(record().get_lock);
  }

  Channel channel_ = make_channel();
};

TEST_F(RepairTest, OfAChannelInOrderChangesNothing) {
  for (int i = 0; i < 2; ++i) {
    repair_get_side();
    ASSERT_EQ(memory::lock(record().put_lock), memory::Acquired::clean);
    repair_putting(index());
    memory::unlock(record().put_lock);
    expect_sound(channel_);
  }
  EXPECT_EQ(drain(channel_), (Numbers{1, 2, 3, 4}));
}

// While one side is repaired a putter may be linking a segment, or its repair freeing one, and the
// block be another's before anybody reads in it. Once its bytes were believed all the same.
TEST_F(RepairTest, OfGettersDoesNotLookIntoSegmentsThatHoldNothingYet) {
  const std::uint32_t count = load(record().published).count;
  const BlockIndex linking = make_segment(index(), 0, memory::kNoBlock, 4096).value();
  // As near before the next message as can be: the best there is, if it were believed.
  segment_head(linking).base = load(record().taken).position;
  memory::set_owner(linking, OwnerWord::putting(memory::self(), index(), count));
  const BlockIndex before = record().get_segment;
  repair_get_side();
  EXPECT_EQ(record().get_segment, before);
  EXPECT_EQ(memory::owner_of(linking), OwnerWord::putting(memory::self(), index(), count));
  memory::set_owner(linking, OwnerWord::held(memory::self()));
  memory::release_block(linking);
  EXPECT_EQ(drain(channel_), (Numbers{1, 2, 3, 4}));
}

// The block was a segment once; now it carries a message's bytes, which are no segment's head.
TEST_F(RepairTest, TellsASegmentFromABlockThatWasOne) {
  const std::uint64_t in_use = bytes_in_use();
  const BlockIndex data = memory::allocate_block(4096).value();
  reinterpret_cast<SegmentHead*>(memory::block_data(data))->base = 0;
  ASSERT_EQ(channel_.try_put({Kind::raw, {}, std::span(&data, 1)}, Contend::yes), Put::done);
  const BlockIndex before = record().get_segment;
  repair_get_side();
  EXPECT_EQ(record().get_segment, before);
  EXPECT_EQ(memory::owner_of(data), OwnerWord::queued(index()));
  for (int i = 0; i < 5; ++i) {
    Incoming message;
    EXPECT_EQ(channel_.try_get(message, Contend::yes), Get::done);
    message.discard();
  }
  EXPECT_LE(bytes_in_use(), in_use);
  expect_sound(channel_);
}

TEST_F(RepairTest, ForgetsWhoSleeps) {
  EXPECT_EQ(sync::enter(record().getters), sync::enter(record().getters));
  EXPECT_TRUE(sync::anyone(record().getters));
  forget_sleepers(index());
  EXPECT_FALSE(sync::anyone(record().getters));
}

}  // namespace
}  // namespace onecopy::channel
