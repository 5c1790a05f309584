// A test of one channel that must go on working whatever happened to it, and leave nothing behind
// in the end. For tests only.
#pragma once

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "testing/messages.hpp"

namespace onecopy::testing {

class ChannelFixture : public ::testing::Test {
 protected:
  using Numbers = std::vector<std::uint32_t>;

  ChannelFixture() {
    EXPECT_TRUE(memory::join_family());
    before_ = bytes_in_use();
  }

  // Over a new segment too.
  void expect_working() {
    for (std::uint32_t i = 0; i < 3; ++i) {
      EXPECT_EQ(put(channel_, draft(i, shapes()[3])), channel::Put::done);
      EXPECT_EQ(drain(channel_), Numbers{i});
    }
    expect_sound(channel_);
  }

  // Lets go of the channel.
  void expect_no_leak() {
    channel_ = channel::Channel();
    memory::reclaim_dead();
    EXPECT_EQ(bytes_in_use(), before_);
    EXPECT_EQ(memory::validate_memory(), "");
  }

  std::uint64_t before_ = 0;  // bytes in use without the channel
  channel::Channel channel_;
};

}  // namespace onecopy::testing
