// What a get answers, and whose the blocks are then. What it refuses is in validate_test.cpp; that
// a death in the middle does no harm is shown by get_kill_test.cpp.
#include <gtest/gtest.h>

#include <vector>

#include "channel/channel.hpp"
#include "channel/locks.hpp"
#include "channel/record.hpp"
#include "channel/segment.hpp"
#include "memory/owner.hpp"
#include "testing/channel_fixture.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerWord;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::shapes;

class GetTest : public onecopy::testing::ChannelFixture {
 protected:
  GetTest() { channel_ = make_channel(); }
  ChannelRecord& record() { return record_of(channel_.name().index); }
  // The record of the message that is taken next.
  RecordHead& first() {
    return *reinterpret_cast<RecordHead*>(
        segment_at(record().get_segment, load(record().taken).position));
  }
  Get get(Contend contend = Contend::yes) {
    Incoming message;
    const Get outcome = channel_.try_get(message, contend);
    message.discard();
    return outcome;
  }
};

TEST_F(GetTest, MakesTheBlocksTheCallers) {
  for (const auto& shape : {shapes()[2], shapes()[6]}) {
    ASSERT_EQ(put(channel_, draft(1, shape)), Put::done);
    Incoming message;

    ASSERT_EQ(channel_.try_get(message, Contend::yes), Get::done);

    EXPECT_EQ(message.blocks.size(), shape.blocks.size());
    for (const BlockIndex block : message.blocks) {
      EXPECT_EQ(memory::owner_of(block), OwnerWord::held(memory::self()));
    }
    message.discard();
  }
  expect_no_leak();
}

TEST_F(GetTest, IsBusyOnlyWhereItMayNotWaitForTheLock) {
  EXPECT_EQ(get(Contend::never), Get::empty);
  ASSERT_EQ(put(channel_, draft(1, shapes()[0])), Put::done);
  lock_getting(record());

  EXPECT_EQ(get(Contend::never), Get::busy);

  memory::unlock(record().get_lock);
  EXPECT_EQ(get(Contend::never), Get::done);
  EXPECT_EQ(get(Contend::never), Get::empty);
}

TEST_F(GetTest, NotesWhatItTakes) {
  for (const std::uint32_t i : {10, 11})
    ASSERT_EQ(put(channel_, draft(i, shapes()[i % 3])), Put::done);
  Notice notice{0};
  Incoming message;
  for (const std::uint32_t number : {0, 1}) {
    EXPECT_EQ(channel_.taken(), number);
    EXPECT_EQ(channel_.try_get(message, Contend::yes, &notice), Get::done);
    EXPECT_EQ(number_in(notice), number);
    message.discard();
  }
  EXPECT_EQ(channel_.try_get(message, Contend::yes, &notice), Get::empty);
  EXPECT_EQ(number_in(notice), 1u) << "nothing was taken";
  EXPECT_EQ(channel_.taken(), 2u);
}

TEST_F(GetTest, ANoteIsNoneOrANumber) {
  EXPECT_EQ(number_in(0), std::nullopt);
  for (const std::uint32_t number : {0u, 1u, 0xffffffffu}) {
    EXPECT_EQ(number_in(note_of(number)), number);
  }
}

TEST_F(GetTest, TakesNothingWhereTheRecordIsNone) {
  ASSERT_EQ(put(channel_, draft(1, shapes()[1])), Put::done);
  const RecordHead sound = first();

  first().units = 1u << 20;
  EXPECT_EQ(get(), Get::corrupt);
  EXPECT_EQ(get(Contend::never), Get::corrupt) << "the lock is free again";

  first() = sound;
  EXPECT_EQ(drain(channel_), Numbers{1});
  expect_working();
  expect_no_leak();
}

TEST_F(GetTest, FreesAMessageWhoseOutlineIsNoneAndGoesOn) {
  ASSERT_EQ(put(channel_, draft(1, shapes()[6])), Put::done);
  ASSERT_EQ(put(channel_, draft(2, shapes()[0])), Put::done);
  const BlockIndex outline = *reinterpret_cast<const BlockIndex*>(&first() + 1);
  reinterpret_cast<OutlineHead*>(memory::block_data(outline))->body_bytes = ~std::uint64_t{0};

  EXPECT_EQ(get(), Get::corrupt);

  EXPECT_EQ(drain(channel_), Numbers{2});
  expect_working();
  expect_no_leak();
}

TEST_F(GetTest, FreesAMessageThatNamesTheBlockOfAnotherAndGoesOn) {
  ASSERT_EQ(put(channel_, draft(1, shapes()[2])), Put::done);
  ASSERT_EQ(put(channel_, draft(2, shapes()[1])), Put::done);
  auto* const blocks = reinterpret_cast<BlockIndex*>(&first() + 1);
  const BlockIndex stranger = memory::allocate_block(100).value();
  blocks[1] = stranger;

  EXPECT_EQ(get(), Get::corrupt);

  EXPECT_EQ(memory::owner_of(stranger), OwnerWord::held(memory::self()));
  memory::release_block(stranger);
  EXPECT_EQ(drain(channel_), Numbers{2});
  expect_no_leak();
}

}  // namespace
}  // namespace onecopy::channel
