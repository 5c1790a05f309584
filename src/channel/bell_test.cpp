#include "channel/bell.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "os/descriptor.hpp"
#include "os/testing.hpp"
#include "testing/messages.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::ended_well;
using onecopy::testing::expect_sound;
using onecopy::testing::kill_process;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::shapes;
using onecopy::testing::start_process;
using onecopy::testing::take;
using onecopy::testing::Watchdog;

// Both ways to have a bell: an eventfd, and a pair of sockets.
class BellTest : public ::testing::TestWithParam<bool> {
 protected:
  BellTest() {
    channel_ = make_channel();
    if (GetParam()) {
      auto ends = os::stream_pair(true).value();
      ring_ = std::move(ends.first);
      hear_ = std::move(ends.second);
      channel_.set_bell(ring_.get(), hear_.get());
    } else {
      hear_ = os::event_descriptor().value();
      channel_.set_bell(hear_.get(), hear_.get());
    }
  }

  bool rings() const {
    return os::poll_one(hear_.get(), true, false, os::Deadline::at(0)).readable;
  }
  void put_one(std::uint32_t number = 1) {
    ASSERT_EQ(put(channel_, draft(number, shapes()[0])), Put::done);
  }

  const Watchdog watchdog_{"bell", 100};
  os::Descriptor ring_;
  os::Descriptor hear_;
  Channel channel_;
};

TEST_P(BellTest, RingsWhileAMessageWaits) {
  EXPECT_FALSE(rings());
  put_one();
  EXPECT_TRUE(rings());
  put_one();
  EXPECT_TRUE(rings());
}

TEST_P(BellTest, RingsOnUntilSomebodyWantsToSleep) {
  put_one();
  take(channel_);
  EXPECT_TRUE(rings()) << "nobody pays for silence that nobody needs";
  bool hung_up = true;
  EXPECT_EQ(channel_.wait_for_bell(os::Deadline::after(1000), hung_up), Wait::timed_out);
  EXPECT_FALSE(hung_up);
  EXPECT_FALSE(rings());
  put_one();
  EXPECT_TRUE(rings());
}

TEST_P(BellTest, KeptLevelRingsExactlyWhileAMessageWaits) {
  put_one();
  take(channel_);
  channel_.keep_bell_level();
  EXPECT_FALSE(rings());
  for (int i = 0; i < 100; ++i) {
    put_one();
    put_one();
    EXPECT_TRUE(rings());
    take(channel_);
    EXPECT_TRUE(rings());
    take(channel_);
    EXPECT_FALSE(rings());
  }
}

TEST_P(BellTest, WakesWhoSleepsOnIt) {
  std::thread putter([&] {
    for (std::uint32_t i = 0; i < 200; ++i) put_one(i);
  });
  for (std::uint32_t i = 0; i < 200; ++i) {
    bool hung_up = false;
    while (channel_.size() == 0) channel_.wait_for_bell(os::Deadline::never(), hung_up);
    EXPECT_EQ(take(channel_).number, i);
  }
  putter.join();
  expect_sound(channel_);
}

TEST_P(BellTest, IsSilentAfterTheLastOfManyGetters) {
  channel_.keep_bell_level();
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> got{0};
    const auto get_some = [&] {
      while (got < 100) {
        if (take(channel_).outcome == Get::done) ++got;
      }
    };
    std::thread first(get_some);
    std::thread second(get_some);
    for (std::uint32_t i = 0; i < 100; ++i) put_one(i);
    first.join();
    second.join();
    EXPECT_FALSE(rings());
  }
}

// A handle without the descriptor cannot ring; the next that has it does.
TEST_P(BellTest, IsRungByTheNextWhoCan) {
  Channel deaf = Channel::open(channel_.name()).value();
  ASSERT_EQ(put(deaf, draft(1, shapes()[0])), Put::done);
  EXPECT_FALSE(rings());
  put_one();
  EXPECT_TRUE(rings());
}

// A death between ringing and publishing: one needless ring, and no sleep through a message.
TEST_P(BellTest, RungEarlyByTheDeadIsSilenced) {
  EXPECT_FALSE(ended_well(start_process([&] {
    ChannelRecord& record = record_of(channel_.name().index);
    ASSERT_EQ(memory::lock(record.put_lock), memory::Acquired::clean);
    ring_bell(record, GetParam() ? ring_.get() : hear_.get());
    raise(SIGKILL);
  })));
  EXPECT_TRUE(rings());
  bool hung_up = true;
  EXPECT_EQ(channel_.wait_for_bell(os::Deadline::after(1000), hung_up), Wait::timed_out);
  EXPECT_FALSE(hung_up);
  EXPECT_FALSE(rings());
  put_one();
  EXPECT_TRUE(rings());
}

INSTANTIATE_TEST_SUITE_P(Kinds, BellTest, ::testing::Values(false, true),
                         [](const auto& each) { return each.param ? "Sockets" : "Event"; });

// A death after the last message was taken, and before the silence.
TEST_P(BellTest, KeptLevelIsSilencedByTheNextWhoFindsNothing) {
  channel_.keep_bell_level();
  EXPECT_FALSE(ended_well(start_process([&] {
    ChannelRecord& record = record_of(channel_.name().index);
    ASSERT_EQ(memory::lock(record.put_lock), memory::Acquired::clean);
    ring_bell(record, GetParam() ? ring_.get() : hear_.get());
    raise(SIGKILL);
  })));
  EXPECT_TRUE(rings());
  EXPECT_EQ(take(channel_).outcome, Get::empty);
  EXPECT_FALSE(rings());
  put_one();
  EXPECT_TRUE(rings());
}

// The bell for room, of a channel for two messages.
class RoomBellTest : public ::testing::Test {
 protected:
  RoomBellTest() { channel_.set_room_bell(bell_.get()); }

  bool rings() const {
    return os::poll_one(bell_.get(), true, false, os::Deadline::at(0)).readable;
  }
  Put put_one(std::uint32_t number = 1) { return put(channel_, draft(number, shapes()[0])); }

  const Watchdog watchdog_{"bell for room", 100};
  os::Descriptor bell_ = os::event_descriptor().value();
  Channel channel_ = make_channel({.maximum = 2});
};

TEST_F(RoomBellTest, IsSilentWhereNobodyAsks) {
  put_one();
  take(channel_);
  EXPECT_FALSE(rings());
}

TEST_F(RoomBellTest, RingsExactlyWhileThereIsRoom) {
  channel_.keep_room_bell_level();
  EXPECT_TRUE(rings());
  put_one();
  EXPECT_TRUE(rings());
  for (int i = 0; i < 100; ++i) {
    put_one();
    EXPECT_FALSE(rings());
    EXPECT_EQ(put_one(), Put::full);
    take(channel_);
    EXPECT_TRUE(rings());
  }
}

TEST_F(RoomBellTest, SaysHowItIsFromTheMomentOnThatSomebodyAsks) {
  put_one();
  put_one();
  channel_.keep_room_bell_level();
  EXPECT_FALSE(rings());
  EXPECT_FALSE(channel_.has_room());
  take(channel_);
  channel_.keep_room_bell_level();
  EXPECT_TRUE(rings());
  EXPECT_TRUE(channel_.has_room());
}

TEST_F(RoomBellTest, OfAChannelWithoutABoundRingsAlways) {
  channel_ = make_channel();
  channel_.set_room_bell(bell_.get());
  channel_.keep_room_bell_level();
  for (int i = 0; i < 100; ++i) {
    put_one();
    EXPECT_TRUE(rings());
  }
}

TEST_F(RoomBellTest, WakesWhoSleepsOnIt) {
  channel_.keep_room_bell_level();
  const auto put_some = [&] {
    for (std::uint32_t i = 0; i < 500; ++i) {
      while (put_one(i) != Put::done) {
        os::poll_one(bell_.get(), true, false, os::Deadline::never());
      }
    }
  };
  std::thread first(put_some);
  std::thread second(put_some);
  for (int got = 0; got < 1000;) {
    if (take(channel_).outcome == Get::done) ++got;
  }
  first.join();
  second.join();
  EXPECT_TRUE(rings());
  expect_sound(channel_);
}

// A death between ringing and taking: one needless ring, and no sleep through room.
TEST_F(RoomBellTest, RungEarlyByTheDeadIsSilenced) {
  channel_.keep_room_bell_level();
  put_one();
  put_one();
  EXPECT_FALSE(ended_well(start_process([&] {
    ChannelRecord& record = record_of(channel_.name().index);
    ASSERT_EQ(memory::lock(record.get_lock), memory::Acquired::clean);
    ring_room_bell(record, bell_.get());
    raise(SIGKILL);
  })));
  EXPECT_TRUE(rings());
  EXPECT_FALSE(channel_.has_room());
  EXPECT_FALSE(rings());
  take(channel_);
  EXPECT_TRUE(rings());
}

TEST(SocketBell, TellsThatTheOtherEndIsClosedEverywhere) {
  auto [ring, hear] = os::stream_pair(true).value();
  Channel channel = make_channel();
  channel.set_bell(-1, hear.get());
  const pid_t child = start_process([] { pause(); });  // has the other end too
  ring.reset();
  bool hung_up = true;
  EXPECT_EQ(channel.wait_for_bell(os::Deadline::after(1000), hung_up), Wait::timed_out);
  EXPECT_FALSE(hung_up);
  kill_process(child);
  EXPECT_EQ(channel.wait_for_bell(os::Deadline::never(), hung_up), Wait::ready);
  EXPECT_TRUE(hung_up);
}

TEST(SocketBell, ClosedByTheProgramIsNoReasonToHang) {
  const Watchdog watchdog("closed bell", 60);
  Channel channel = make_channel();
  auto bell = os::event_descriptor().value();
  channel.set_bell(bell.get(), bell.get());
  bell.reset();
  bool hung_up = false;
  EXPECT_EQ(channel.wait_for_bell(os::Deadline::never(), hung_up), Wait::ready);
  EXPECT_TRUE(hung_up);
  EXPECT_EQ(put(channel, draft(1, shapes()[0])), Put::done);
  EXPECT_EQ(drain(channel).size(), 1u);
}

}  // namespace
}  // namespace onecopy::channel
