// A putter dies after each instruction of allocating, filling and putting. Whoever is left must
// find the message whole or not there at all, go on putting and getting, and find nothing leaked.

#include <gtest/gtest.h>

#include "channel/channel.hpp"
#include "os/descriptor.hpp"
#include "os/testing.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::ChannelFixture;
using onecopy::testing::Draft;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::Survivors;

constexpr std::uint32_t kDying = 1000;  // the number of the message that the dying process puts
constexpr std::uint32_t kAfter = 2000;  // of the one that a survivor puts afterwards

// How the channel is found by the putter that dies.
struct Situation {
  std::uint32_t waiting = 0;  // messages in the channel before
  Options options{};
  bool with_bell = false;
  bool with_room_bell = false;
};

class PutKill : public ChannelFixture {
 protected:
  // So that no child is the first to call what the bell calls: that would take it through the
  // loader.
  static void use_once(const os::Descriptor& bell) {
    std::uint64_t rings = 1;
    ASSERT_TRUE(os::write_some(bell.get(), &rings, sizeof rings));
    ASSERT_TRUE(os::read_some(bell.get(), &rings, sizeof rings));
  }

  void prepare(const Situation& situation) {
    channel_ = make_channel(situation.options);
    if (situation.with_bell) {
      bell_ = os::event_descriptor().value();
      use_once(bell_);
      channel_.set_bell(bell_.get(), bell_.get());
    }
    if (situation.with_room_bell) {
      room_bell_ = os::event_descriptor().value();
      use_once(room_bell_);
      channel_.set_room_bell(room_bell_.get());
      channel_.keep_room_bell_level();
    }
    for (std::uint32_t i = 0; i < situation.waiting; ++i) {
      ASSERT_EQ(put(channel_, draft(i, shapes()[i % 3])), Put::done);
    }
  }

  static bool rings(const os::Descriptor& bell) {
    return os::poll_one(bell.get(), true, false, os::Deadline::at(0)).readable;
  }

  // All that was there before, the dying one's message perhaps, and a survivor's.
  void expect_survivors_well(const Situation& situation, Survivors survivors) {
    if (survivors == Survivors::reclaim) {
      EXPECT_EQ(memory::reclaim_dead(), 1u);
      expect_sound(channel_);
    }
    // Nobody who waits for room sleeps through it, and what rings without cause is silenced.
    if (situation.with_room_bell) {
      EXPECT_TRUE(channel_.full() || rings(room_bell_));
      const bool has_room = channel_.has_room();  // before the ring is looked at, which it may end
      EXPECT_EQ(rings(room_bell_), has_room);
    }
    const Put after = put(channel_, draft(kAfter, shapes()[1]));
    expect_sound(channel_);
    if (situation.with_bell) {
      EXPECT_TRUE(rings(bell_));
    }
    if (situation.with_room_bell) {
      EXPECT_FALSE(rings(room_bell_));
    }
    const Numbers found = drain(channel_);
    if (situation.with_room_bell) {
      EXPECT_TRUE(rings(room_bell_));
    }
    Numbers without;
    for (std::uint32_t i = 0; i < situation.waiting; ++i) without.push_back(i);
    Numbers with = without;
    with.push_back(kDying);
    if (after == Put::done) {
      without.push_back(kAfter);
      with.push_back(kAfter);
    } else {
      EXPECT_EQ(after, Put::full);
    }
    EXPECT_TRUE(found == without || found == with) << ::testing::PrintToString(found);
    expect_working();
    expect_no_leak();
  }

  void run(const char* name, const Shape& shape, const Situation& situation,
           Survivors survivors = Survivors::reclaim) {
    const Draft dying = draft(kDying, shape);
    kill_at_every_step(
        {.name = name, .sample = survivors == Survivors::go_on ? 12 : 150},
        [&] { prepare(situation); }, [&] { put(channel_, dying); },
        [&] { expect_survivors_well(situation, survivors); });
  }

  os::Descriptor bell_;
  os::Descriptor room_bell_;
};

class PutKillOfShape : public PutKill, public ::testing::WithParamInterface<Shape> {};

TEST_P(PutKillOfShape, IntoAnEmptyChannel) { run("put, empty", GetParam(), {}); }

TEST_P(PutKillOfShape, BehindOthers) { run("put, others wait", GetParam(), {.waiting = 5}); }

TEST_P(PutKillOfShape, FoundByItsLockOnly) {
  run("put, no reclaim", GetParam(), {.waiting = 2}, Survivors::go_on);
}

INSTANTIATE_TEST_SUITE_P(Each, PutKillOfShape, ::testing::ValuesIn(shapes()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(PutKill, IntoTheLastPlaceOfABoundedChannel) {
  run("put, last place", shapes()[2], {.waiting = 1, .options = {.maximum = 2}});
}

TEST_F(PutKill, IntoTheLastPlaceUnderABellForRoom) {
  run("put, bell for room", shapes()[1],
      {.waiting = 1, .options = {.maximum = 2}, .with_room_bell = true});
}

TEST_F(PutKill, IntoTheLastPlaceUnderABellForRoomFoundByItsLockOnly) {
  run("put, bell for room, no reclaim", shapes()[1],
      {.waiting = 1, .options = {.maximum = 2}, .with_room_bell = true}, Survivors::go_on);
}

TEST_F(PutKill, IntoAFullChannel) {
  run("put, full", shapes()[2], {.waiting = 2, .options = {.maximum = 2}});
}

TEST_F(PutKill, IntoAChannelBoundedInBytes) {
  run("put, bytes", shapes()[2], {.waiting = 2, .options = {.maximum_bytes = 40'000}});
}

TEST_F(PutKill, WithABell) { run("put, bell", shapes()[1], {.with_bell = true}); }

TEST_F(PutKill, WithABellBehindOthers) {
  run("put, bell, others", shapes()[1], {.waiting = 2, .with_bell = true});
}

// Once the sum of the bytes in flight was changed before the message was: each death in between
// made the channel look fuller, for ever.
TEST_F(PutKill, AfterManyDeathsAsManyBytesFitAsBefore) {
  const Draft dying = draft(kDying, shapes()[2]);
  const Draft message = draft(1, shapes()[1]);
  Channel channel = make_channel({.maximum_bytes = 10'000});
  const auto count_what_fits = [&] {
    drain(channel);
    int fit = 0;
    while (put(channel, message) == Put::done) ++fit;
    drain(channel);
    return fit;
  };
  const int before = count_what_fits();
  kill_at_every_step(
      {.name = "put, weight"}, [] {}, [&] { put(channel, dying); },
      [&] {
        memory::reclaim_dead();
        EXPECT_EQ(count_what_fits(), before);
      });
}

}  // namespace
}  // namespace onecopy::channel
