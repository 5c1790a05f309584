#include "channel/record.hpp"

#include <gtest/gtest.h>

#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::bytes_in_use;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::shapes;

TEST(Progress, IsOneWord) {
  const Progress progress = Progress::of(Progress{7, 9}.word());
  EXPECT_EQ(progress.count, 7u);
  EXPECT_EQ(progress.position, 9u);
  EXPECT_EQ(static_cast<std::uint32_t>(Progress{7, 9}.word()), 7u) << "the futex word is the count";
}

TEST(Position, IsBeforeAnotherAcrossTheWrap) {
  EXPECT_TRUE(before(1, 2));
  EXPECT_FALSE(before(2, 2));
  EXPECT_FALSE(before(2, 1));
  EXPECT_TRUE(before(0xfffffff0, 5));
  EXPECT_FALSE(before(5, 0xfffffff0));
}

TEST(Weight, CountsInStepsAndNeverOverflows) {
  EXPECT_EQ(weight_of(0), 0u);
  EXPECT_EQ(weight_of(1), 1u);
  EXPECT_EQ(weight_of(64), 1u);
  EXPECT_EQ(weight_of(65), 2u);
  EXPECT_EQ(weight_of(~std::uint64_t{0} - 100), 0xffffffffu);
}

TEST(RunningSum, ChangesWithItsProgressOnly) {
  RunningSum sum{};
  Progress progress{0xfffffffe, 0};
  for (std::uint64_t total = 0; total < 100; total += 10) {
    EXPECT_EQ(sum_at(sum, progress), total);
    add_next(sum, progress, 99);  // by one who dies before he commits
    EXPECT_EQ(sum_at(sum, progress), total);
    add_next(sum, progress, 10);
    ++progress.count;
  }
}

// A channel that has carried almost 2^32 messages, or 64 GiB: all its numbers wrap and nobody
// notices.
class Wrap : public ::testing::TestWithParam<Options> {
 protected:
  static Channel make_old_channel(Options options) {
    Channel channel = make_channel(options);
    ChannelRecord& record = record_of(channel.name().index);
    const Progress old{0xffffffff - 20, 0xffffffff - 700};
    record.put = old;
    commit(record.published, old);
    commit(record.taken, old);
    commit(record.done, old);
    memory::BlockIndex segment = record.put_segment;
    reinterpret_cast<SegmentHead*>(memory::block_data(segment))->base = old.position;
    return channel;
  }
};

TEST_P(Wrap, IsNothingToNotice) {
  EXPECT_TRUE(memory::join_family());
  const std::uint64_t before = bytes_in_use();
  {
    Channel channel = make_old_channel(GetParam());
    EXPECT_EQ(channel.size(), 0u);
    std::uint32_t put_number = 0;
    std::uint32_t taken_number = 0;
    for (int round = 0; round < 60; ++round) {
      while (channel.size() < 4 &&
             put(channel, draft(put_number, shapes()[put_number % shapes().size()])) == Put::done) {
        ++put_number;
      }
      expect_sound(channel);
      const std::uint32_t stop = round % 3 == 0 ? 0 : 2;
      while (channel.size() > stop) {
        const auto taken = onecopy::testing::take(channel);
        ASSERT_EQ(taken.outcome, Get::done);
        ASSERT_EQ(taken.wrong, "");
        ASSERT_EQ(taken.number, taken_number++);
        EXPECT_TRUE(channel.task_done());
      }
      expect_sound(channel);
    }
    EXPECT_GT(put_number, 60u);
    drain(channel);
    EXPECT_LT(load(record_of(channel.name().index).published).count, 1000u) << "it did wrap";
    EXPECT_LT(load(record_of(channel.name().index).published).position, 1u << 20);
  }
  EXPECT_EQ(bytes_in_use(), before);
}

INSTANTIATE_TEST_SUITE_P(Bounds, Wrap,
                         ::testing::Values(Options{}, Options{.maximum = 3},
                                           Options{.maximum_bytes = 20'000}),
                         [](const auto& each) {
                           return each.param.maximum != 0         ? "InMessages"
                                  : each.param.maximum_bytes != 0 ? "InBytes"
                                                                  : "None";
                         });

}  // namespace
}  // namespace onecopy::channel
