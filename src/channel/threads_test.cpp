// The protocols of a channel between threads of one process: what ThreadSanitizer sees of them, as
// it looks into one process only. Each thread notes what it did in memory of its own, so that
// nothing but the channel orders one thread after another.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "channel/channel.hpp"
#include "os/descriptor.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::draft;
using onecopy::testing::put;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::take;
using onecopy::testing::Taken;
using onecopy::testing::Watchdog;
using Numbers = std::vector<std::uint32_t>;

constexpr std::uint32_t kPutters = 3;
constexpr std::uint32_t kGetters = 3;
constexpr std::uint32_t kMessages = 1500;  // of each putter
constexpr std::uint32_t kStop = kPutters * kMessages;

enum class Handles { one, many };
enum class Bell { none, rung, kept_level };

struct Load {
  const char* name;
  Options options;
  std::vector<Shape> shapes;
  Handles handles;
  Bell bell;

  friend void PrintTo(const Load& load, std::ostream* out) { *out << load.name; }
};

class ChannelThreads : public onecopy::testing::ChannelFixture,
                       public ::testing::WithParamInterface<Load> {
 protected:
  ChannelThreads() {
    channel_ = onecopy::testing::make_channel(GetParam().options);
    if (GetParam().bell == Bell::none) return;
    bell_ = os::event_descriptor().value();
    channel_.set_bell(bell_.get(), bell_.get());
    if (GetParam().bell == Bell::kept_level) channel_.keep_bell_level();
  }

  // Calls `work` with the handle that a thread of this load has.
  template <class Work>
  void with_handle(const Work& work) {
    if (GetParam().handles == Handles::one) return work(channel_);
    Channel own = Channel::open(channel_.name()).value();
    own.set_bell(bell_.get(), bell_.get());
    work(own);
  }

  static void put_patiently(Channel& channel, std::uint32_t number, const Shape& shape) {
    const auto message = draft(number, shape);
    for (;;) {
      const Put outcome = put(channel, message);
      if (outcome == Put::done) return;
      ASSERT_EQ(outcome, Put::full);
      channel.wait_for_room(os::Deadline::never());
    }
  }

  static void put_all(Channel& channel, std::uint32_t putter) {
    const auto& known = GetParam().shapes;
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      put_patiently(channel, putter * kMessages + i, known[i % known.size()]);
    }
  }

  static void wait(Channel& channel) {
    if (GetParam().bell == Bell::none) {
      channel.wait_for_message(os::Deadline::never());
    } else {
      bool hung_up = false;
      channel.wait_for_bell(os::Deadline::never(), hung_up);
    }
  }

  static void take_all(Channel& channel, Numbers& numbers) {
    for (;;) {
      const Taken taken = take(channel);
      if (taken.outcome == Get::empty) {
        wait(channel);
        continue;
      }
      ASSERT_EQ(taken.outcome, Get::done);
      ASSERT_EQ(taken.wrong, "");
      if (taken.number == kStop) return;
      numbers.push_back(taken.number);
      ASSERT_TRUE(channel.task_done());
    }
  }

  // No loss, nothing twice, nothing out of its putter's order.
  static void expect_history_right(const std::vector<Numbers>& taken) {
    std::vector<std::uint32_t> times(kPutters * kMessages, 0);
    for (const Numbers& numbers : taken) {
      std::vector<std::uint32_t> next(kPutters, 0);
      for (const std::uint32_t number : numbers) {
        ASSERT_LT(number, times.size());
        ++times[number];
        EXPECT_GE(number, next[number / kMessages]) << "out of order";
        next[number / kMessages] = number + 1;
      }
    }
    EXPECT_EQ(times, std::vector<std::uint32_t>(times.size(), 1));
  }

  const Watchdog watchdog_{GetParam().name, 100};
  os::Descriptor bell_;
};

TEST_P(ChannelThreads, GetEachMessageOnceAndInOrder) {
  std::vector<Numbers> taken(kGetters);
  std::vector<std::thread> getters;
  std::vector<std::thread> putters;
  for (Numbers& numbers : taken) {
    getters.emplace_back([&] { with_handle([&](Channel& own) { take_all(own, numbers); }); });
  }
  for (std::uint32_t putter = 0; putter < kPutters; ++putter) {
    putters.emplace_back([&, putter] { with_handle([&](Channel& own) { put_all(own, putter); }); });
  }

  for (std::thread& thread : putters) thread.join();
  while (!channel_.all_done()) channel_.wait_for_all_done(os::Deadline::never());

  // The getters have not been joined: that the work is done must be enough to see all of it.
  expect_history_right(taken);
  for (std::uint32_t i = 0; i < kGetters; ++i) put_patiently(channel_, kStop, shapes()[0]);
  for (std::thread& thread : getters) thread.join();
  expect_working();
  expect_no_leak();
}

const std::vector<Shape> kSmall = {shapes()[0]};

INSTANTIATE_TEST_SUITE_P(
    Under, ChannelThreads,
    ::testing::Values(
        // Small messages need no blocks: then the lock on the allocator's books orders nobody.
        Load{"SmallUnbounded", {}, kSmall, Handles::one, Bell::none},
        Load{"SmallUnboundedManyHandles", {}, kSmall, Handles::many, Bell::none},
        Load{"SmallBounded", {.maximum = 5}, kSmall, Handles::one, Bell::none},
        Load{"SmallBell", {}, kSmall, Handles::one, Bell::rung},
        Load{"SmallLevelBellManyHandles", {}, kSmall, Handles::many, Bell::kept_level},
        Load{"AllUnbounded", {}, shapes(), Handles::one, Bell::none},
        Load{"AllBoundedManyHandles", {.maximum = 5}, shapes(), Handles::many, Bell::none},
        Load{"AllBoundedInBytes", {.maximum_bytes = 20'000}, shapes(), Handles::one, Bell::rung},
        Load{"AllBoundedBothWays",
             {.maximum = 7, .maximum_bytes = 20'000},
             shapes(),
             Handles::many,
             Bell::kept_level}),
    [](const auto& each) { return std::string(each.param.name); });

class ChannelBetweenThreads : public onecopy::testing::ChannelFixture {
 protected:
  static void put_one(Channel& channel) {
    ASSERT_EQ(put(channel, draft(1, shapes()[0])), Put::done);
  }
  static void take_one(Channel& channel) {
    while (channel.size() == 0) channel.wait_for_message(os::Deadline::never());
    ASSERT_EQ(take(channel).outcome, Get::done);
  }

  const Watchdog watchdog_{"between threads", 100};
};

// A message also orders what the two sides do elsewhere, as a queue's user expects of it.
TEST_F(ChannelBetweenThreads, OrdersWhatItsUsersDo) {
  constexpr int kRounds = 1000;
  channel_ = onecopy::testing::make_channel();
  Channel back = onecopy::testing::make_channel();
  int plain = 0;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      take_one(channel_);
      ++plain;
      put_one(back);
    }
  });

  for (int i = 0; i < kRounds; ++i) {
    ++plain;
    put_one(channel_);
    take_one(back);
  }

  other.join();
  EXPECT_EQ(plain, 2 * kRounds);
  back = Channel();
  expect_no_leak();
}

// So does the room that a getter makes.
TEST_F(ChannelBetweenThreads, OrdersThePutterAfterTheGetterThatMadeRoom) {
  constexpr int kRounds = 1000;
  channel_ = onecopy::testing::make_channel({.maximum = 1});
  std::vector<int> plain(kRounds + 1, 0);
  std::thread getter([&] {
    for (int i = 0; i < kRounds; ++i) {
      plain[static_cast<std::size_t>(i)] = i;
      take_one(channel_);
    }
  });

  for (int i = 0; i < kRounds; ++i) {
    while (channel_.full()) channel_.wait_for_room(os::Deadline::never());
    // Of the messages before this one all have been taken.
    for (int before = std::max(i - 5, 0); before < i; ++before) {
      EXPECT_EQ(plain[static_cast<std::size_t>(before)], before);
    }
    put_one(channel_);
  }

  getter.join();
  expect_no_leak();
}

// Channels come and go, and others open and use them by a name that may be out of date.
TEST_F(ChannelBetweenThreads, OpenAndCloseChannelsAtTheSameTime) {
  constexpr int kRounds = 300;
  std::atomic<std::uint64_t> newest{0};
  const auto make = [&] {
    for (int i = 0; i < kRounds; ++i) {
      Channel channel = onecopy::testing::make_channel();
      // Relaxed: the name alone must do to see the channel that it names.
      newest.store((std::uint64_t{channel.name().generation} << 32) | channel.name().index,
                   std::memory_order_relaxed);
      put_one(channel);
      take_one(channel);
    }
  };
  const auto use = [&] {
    for (int i = 0; i < kRounds; ++i) {
      const std::uint64_t name = newest.load(std::memory_order_relaxed);
      auto channel =
          Channel::open({static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32)});
      if (!channel) {
        EXPECT_EQ(channel.error(), Error::closed);
        continue;
      }
      put_one(*channel);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back(make);
    threads.emplace_back(use);
  }

  for (std::thread& thread : threads) thread.join();

  expect_no_leak();
}

}  // namespace
}  // namespace onecopy::channel
