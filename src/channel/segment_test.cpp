#include "channel/segment.hpp"

#include <gtest/gtest.h>

#include <new>

#include "channel/channel.hpp"
#include "memory/family.hpp"

namespace onecopy::channel {
namespace {

class SegmentTest : public ::testing::Test {
 protected:
  SegmentTest() {
    EXPECT_TRUE(memory::join_family());
    segment_ = make_segment(5, 0xfffffff0, memory::kNoBlock, 4096).value();
  }
  ~SegmentTest() override { memory::release_block(segment_); }
  memory::BlockIndex segment_;
};

TEST_F(SegmentTest, KnowsItsChannelAndWhereItBegins) {
  EXPECT_EQ(segment_head(segment_).channel, 5u);
  EXPECT_EQ(segment_head(segment_).base, 0xfffffff0u);
  EXPECT_EQ(segment_head(segment_).previous, memory::kNoBlock);
}

TEST_F(SegmentTest, HoldsItsPositionsInItsBytes) {
  const std::uint32_t units = segment_units(segment_);
  EXPECT_EQ(units, memory::block_capacity(segment_) / kUnit - 1);
  const std::byte* const begin = memory::block_data(segment_);
  EXPECT_EQ(segment_at(segment_, 0xfffffff0), begin + sizeof(SegmentHead));
  EXPECT_EQ(segment_at(segment_, 0xfffffff0 + units), begin + memory::block_capacity(segment_));
  EXPECT_EQ(segment_at(segment_, 0), begin + 17 * kUnit) << "positions wrap";
}

TEST_F(SegmentTest, TellsALinkFromAMessage) {
  ::new (segment_at(segment_, 3)) RecordHead{kLink, 0, 0, 0, 77, 0};
  EXPECT_EQ(linked(segment_, 3), 77u);
  ::new (segment_at(segment_, 3)) RecordHead{2, 0, 1, 0, 5, 1};
  EXPECT_EQ(linked(segment_, 3), memory::kNoBlock);
}

TEST_F(SegmentTest, GrowsWithItsChannel) {
  EXPECT_GT(next_segment_bytes(segment_), 4096u);
  const auto large = make_segment(5, 0, segment_, 64 * 1024).value();
  EXPECT_EQ(next_segment_bytes(large), 64u * 1024);
  EXPECT_EQ(segment_head(large).previous, segment_);
  memory::release_block(large);
}

// The largest message that is not outlined fits even into the smallest segment linked to another.
TEST_F(SegmentTest, HasRoomForTheLargestMessage) {
  constexpr std::size_t kLargest =
      sizeof(RecordHead) + indices_bytes(256) + round_to_unit(kInlineBody);
  EXPECT_LE(kLargest / kUnit, next_segment_bytes(segment_) / kUnit - 2);
}

}  // namespace
}  // namespace onecopy::channel
