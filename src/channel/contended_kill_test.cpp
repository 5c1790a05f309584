// A putter or getter dies after each instruction while others use the channel too, or sleep on it.

#include <gtest/gtest.h>

#include <array>
#include <atomic>

#include "channel/channel.hpp"
#include "channel/record.hpp"
#include "os/testing.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::ChannelFixture;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::ended_well;
using onecopy::testing::expect_sound;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::shapes;
using onecopy::testing::start_process;
using onecopy::testing::take;
using os::testing::Shared;
using Numbers = std::vector<std::uint32_t>;

constexpr std::uint32_t kDying = 1'000'000;  // the number of the dying process's message
constexpr std::uint32_t kLast = 2'000'000;   // of a message that tells a getter to stop

// What another process did, in memory that it shares with us.
struct Report {
  std::atomic<bool> stop;
  std::atomic<std::uint32_t> count;
  std::array<std::uint32_t, 4096> numbers;

  void add(std::uint32_t number) {
    const std::uint32_t at = count.load();
    numbers.at(at) = number;
    count.store(at + 1);
  }
  Numbers all() const { return {numbers.begin(), numbers.begin() + count.load()}; }
};

class ContendedKill : public ChannelFixture {
 protected:
  // A process that puts 0, 1, 2 and so on until it is told to stop.
  void start_putter() {
    put_.get()->stop.store(false);
    put_.get()->count.store(0);
    putter_ = start_process([&] {
      for (std::uint32_t i = 0; i < 1000 && !put_->stop.load(); ++i) {
        ASSERT_EQ(put(channel_, draft(i, shapes()[i % 3])), Put::done);
        put_->add(i);
      }
    });
  }

  // A process that takes until it is given kLast, asleep most of the time.
  void start_getter() {
    got_.get()->count.store(0);
    getter_ = start_process([&] {
      for (;;) {
        const auto taken = take(channel_);
        if (taken.outcome == Get::empty) {
          channel_.wait_for_message(os::Deadline::never());
          continue;
        }
        ASSERT_EQ(taken.outcome, Get::done);
        ASSERT_EQ(taken.wrong, "");
        if (taken.number == kLast) return;
        got_->add(taken.number);
      }
    });
  }

  void wait_until_somebody_sleeps() {
    while (!sync::anyone(record_of(channel_.name().index).getters)) {
    }
  }

  Numbers stop_putter() {
    put_->stop.store(true);
    EXPECT_TRUE(ended_well(putter_));
    return put_->all();
  }

  Numbers stop_getter() {
    EXPECT_EQ(put(channel_, draft(kLast, shapes()[0])), Put::done);
    EXPECT_TRUE(ended_well(getter_));
    return got_->all();
  }

  void expect_sound_and_no_leak() {
    expect_sound(channel_);
    expect_no_leak();
  }

  Shared<Report> put_;
  Shared<Report> got_;
  pid_t putter_ = 0;
  pid_t getter_ = 0;
};

Numbers without(Numbers numbers, std::uint32_t number) {
  std::erase(numbers, number);
  return numbers;
}

TEST_F(ContendedKill, APutterBesideAnother) {
  const auto dying = draft(kDying, shapes()[2]);
  kill_at_every_step(
      {.name = "put beside a putter", .sample = 60},
      [&] {
        channel_ = make_channel();
        start_putter();
      },
      [&] { put(channel_, dying); },
      [&] {
        const Numbers sent = stop_putter();
        memory::reclaim_dead();
        expect_sound(channel_);
        const Numbers found = drain(channel_);
        EXPECT_LE(std::count(found.begin(), found.end(), kDying), 1);
        EXPECT_EQ(without(found, kDying), sent);
        expect_sound_and_no_leak();
      });
}

TEST_F(ContendedKill, AGetterBesideAPutter) {
  kill_at_every_step(
      {.name = "get beside a putter", .sample = 60},
      [&] {
        channel_ = make_channel();
        ASSERT_EQ(put(channel_, draft(kDying, shapes()[2])), Put::done);
        start_putter();
      },
      [&] {
        Incoming message;
        channel_.try_get(message, Contend::yes);
        message.discard();
      },
      [&] {
        const Numbers sent = stop_putter();
        memory::reclaim_dead();
        expect_sound(channel_);
        EXPECT_EQ(without(drain(channel_), kDying), sent);
        expect_sound_and_no_leak();
      });
}

TEST_F(ContendedKill, APutterWhileAGetterSleeps) {
  const auto dying = draft(kDying, shapes()[2]);
  kill_at_every_step(
      {.name = "put, a getter sleeps", .sample = 30},
      [&] {
        channel_ = make_channel();
        start_getter();
        wait_until_somebody_sleeps();
      },
      [&] { put(channel_, dying); },
      [&] {
        memory::reclaim_dead();
        EXPECT_EQ(without(stop_getter(), kDying), Numbers{});
        expect_sound_and_no_leak();
      });
}

TEST_F(ContendedKill, APutterWhileAGetterSleepsAndNobodyReclaims) {
  const auto dying = draft(kDying, shapes()[4]);
  kill_at_every_step(
      {.name = "put, a getter sleeps, no reclaim", .sample = 20},
      [&] {
        channel_ = make_channel();
        start_getter();
        wait_until_somebody_sleeps();
      },
      [&] { put(channel_, dying); },
      [&] {
        EXPECT_EQ(without(stop_getter(), kDying), Numbers{});
        expect_sound_and_no_leak();
      });
}

TEST_F(ContendedKill, AGetterBesideAnotherThatSleeps) {
  kill_at_every_step(
      {.name = "get, a getter sleeps", .sample = 30},
      [&] {
        channel_ = make_channel();
        start_getter();
        wait_until_somebody_sleeps();
      },
      [&] {
        // Its own message first, so that it has one to be killed over.
        put(channel_, draft(kDying, shapes()[0]));
        Incoming message;
        channel_.try_get(message, Contend::yes);
      },
      [&] {
        memory::reclaim_dead();
        EXPECT_EQ(without(stop_getter(), kDying), Numbers{});
        expect_sound_and_no_leak();
      });
}

TEST_F(ContendedKill, AWaiterInItsSleep) {
  kill_at_every_step(
      {.name = "wait", .sample = 40}, [&] { channel_ = make_channel(); },
      [&] { channel_.wait_for_message(os::Deadline::after(1000)); },
      [&] {
        // A dead sleeper is a number until its reclaim: nothing but needless wakes.
        EXPECT_EQ(put(channel_, draft(1, shapes()[0])), Put::done);
        EXPECT_EQ(drain(channel_), Numbers{1});
        memory::reclaim_dead();
        EXPECT_FALSE(sync::anyone(record_of(channel_.name().index).getters));
        start_getter();
        EXPECT_EQ(put(channel_, draft(2, shapes()[0])), Put::done);
        EXPECT_EQ(stop_getter(), Numbers{2});
        expect_sound_and_no_leak();
      });
}

}  // namespace
}  // namespace onecopy::channel
