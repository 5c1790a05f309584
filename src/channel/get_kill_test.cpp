// A getter dies after each instruction of getting. Whoever is left must find the message whole, in
// its place, or not there at all because the dead one had it; go on; and find nothing leaked.

#include <gtest/gtest.h>

#include "channel/channel.hpp"
#include "os/descriptor.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::ChannelFixture;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::Survivors;

constexpr std::uint32_t kFirst = 1000;  // the number of the message that the dying process gets
constexpr std::uint32_t kAfter = 2000;  // of the one that a survivor puts afterwards

struct Situation {
  std::uint32_t behind = 0;  // messages behind the first
  Options options{};
  bool with_bell = false;
  bool with_room_bell = false;
};

class GetKill : public ChannelFixture {
 protected:
  void prepare(const Shape& shape, const Situation& situation) {
    channel_ = make_channel(situation.options);
    if (situation.with_bell) {
      bell_ = os::event_descriptor().value();
      channel_.set_bell(bell_.get(), bell_.get());
      channel_.keep_bell_level();
    }
    if (situation.with_room_bell) {
      room_bell_ = os::event_descriptor().value();
      channel_.set_room_bell(room_bell_.get());
      channel_.keep_room_bell_level();
    }
    ASSERT_EQ(put(channel_, draft(kFirst, shape)), Put::done);
    for (std::uint32_t i = 0; i < situation.behind; ++i) {
      ASSERT_EQ(put(channel_, draft(i, shapes()[i % 4])), Put::done);
    }
  }

  static bool rings(const os::Descriptor& bell) {
    return os::poll_one(bell.get(), true, false, os::Deadline::at(0)).readable;
  }
  bool bell_rings() const { return rings(bell_); }

  // Nobody who waits for room sleeps through it, and what rings without cause is silenced.
  void expect_room_bell_well() {
    EXPECT_TRUE(channel_.full() || rings(room_bell_));
    const bool has_room = channel_.has_room();  // before the ring is looked at, which it may end
    EXPECT_EQ(rings(room_bell_), has_room);
    while (put(channel_, draft(kAfter, shapes()[0])) == Put::done) continue;
    EXPECT_FALSE(rings(room_bell_));
    get_one();
    EXPECT_TRUE(rings(room_bell_));
  }

  void expect_survivors_well(const Situation& situation, Survivors survivors) {
    if (survivors == Survivors::reclaim) {
      EXPECT_EQ(memory::reclaim_dead(), 1u);
      expect_sound(channel_);
    }
    EXPECT_TRUE(!situation.with_bell || channel_.size() == 0 || bell_rings());
    if (situation.with_room_bell) {
      expect_room_bell_well();
      drain(channel_);
      expect_working();
      expect_no_leak();
      return;
    }
    Numbers rest;
    for (std::uint32_t i = 0; i < situation.behind; ++i) rest.push_back(i);
    Numbers with{kFirst};
    with.insert(with.end(), rest.begin(), rest.end());
    const Numbers found = drain(channel_);
    EXPECT_TRUE(found == rest || found == with) << ::testing::PrintToString(found);
    if (situation.with_bell) {
      EXPECT_EQ(put(channel_, draft(kAfter, shapes()[0])), Put::done);
      EXPECT_TRUE(bell_rings());
      EXPECT_EQ(drain(channel_), Numbers{kAfter});
      EXPECT_FALSE(bell_rings());
    }
    expect_working();
    expect_no_leak();
  }

  void get_one() {
    Incoming message;
    channel_.try_get(message, Contend::yes);
    message.discard();
  }

  void run(const char* name, const Shape& shape, const Situation& situation,
           Survivors survivors = Survivors::reclaim) {
    kill_at_every_step(
        {.name = name, .sample = survivors == Survivors::go_on ? 12 : 150},
        [&] { prepare(shape, situation); }, [&] { get_one(); },
        [&] { expect_survivors_well(situation, survivors); });
  }

  os::Descriptor bell_;
  os::Descriptor room_bell_;
};

class GetKillOfShape : public GetKill, public ::testing::WithParamInterface<Shape> {};

TEST_P(GetKillOfShape, TheOnlyMessage) { run("get, only", GetParam(), {}); }

TEST_P(GetKillOfShape, BeforeOthers) { run("get, others behind", GetParam(), {.behind = 6}); }

TEST_P(GetKillOfShape, FoundByItsLockOnly) {
  run("get, no reclaim", GetParam(), {.behind = 2}, Survivors::go_on);
}

INSTANTIATE_TEST_SUITE_P(Each, GetKillOfShape, ::testing::ValuesIn(shapes()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(GetKill, FromAFullChannel) {
  run("get, full", shapes()[2], {.behind = 1, .options = {.maximum = 2}});
}

TEST_F(GetKill, TheLastUnderABellKeptLevel) { run("get, bell", shapes()[1], {.with_bell = true}); }

TEST_F(GetKill, BeforeOthersUnderABellKeptLevel) {
  run("get, bell, others", shapes()[1], {.behind = 2, .with_bell = true});
}

TEST_F(GetKill, FromAFullChannelUnderABellForRoom) {
  run("get, bell for room", shapes()[1],
      {.behind = 1, .options = {.maximum = 2}, .with_room_bell = true});
}

TEST_F(GetKill, FromAFullChannelUnderABellForRoomFoundByItsLockOnly) {
  run("get, bell for room, no reclaim", shapes()[1],
      {.behind = 1, .options = {.maximum = 2}, .with_room_bell = true}, Survivors::go_on);
}

TEST_F(GetKill, FromAnEmptyChannel) {
  channel_ = make_channel();
  kill_at_every_step(
      {.name = "get, empty"}, [] {}, [&] { get_one(); },
      [&] {
        memory::reclaim_dead();
        expect_sound(channel_);
        EXPECT_EQ(put(channel_, draft(kAfter, shapes()[0])), Put::done);
        EXPECT_EQ(drain(channel_), Numbers{kAfter});
      });
}

// Once the sum of the bytes taken was changed before the message was taken: a death in between made
// it larger than the sum put, and the channel was full for ever but for one message at a time.
TEST_F(GetKill, AfterManyDeathsAsManyBytesFitAsBefore) {
  channel_ = make_channel({.maximum_bytes = 10'000});
  const auto message = draft(1, shapes()[1]);
  const auto count_what_fits = [&] {
    drain(channel_);
    int fit = 0;
    while (put(channel_, message) == Put::done) ++fit;
    return fit;
  };
  const int before = count_what_fits();
  kill_at_every_step(
      {.name = "get, weight"}, [] {}, [&] { get_one(); },
      [&] {
        memory::reclaim_dead();
        EXPECT_EQ(count_what_fits(), before);
      });
}

}  // namespace
}  // namespace onecopy::channel
