#include "channel/channel.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/messages.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"
#include "trace/trace.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::bytes_in_use;
using onecopy::testing::ended_well;
using onecopy::testing::expect_sound;
using onecopy::testing::make_channel;
using onecopy::testing::start_process;

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Put put(Channel& channel, const std::string& text) {
  return channel.try_put({Kind::raw, bytes_of(text), {}}, Contend::yes);
}

std::string get(Channel& channel) {
  Incoming message;
  if (channel.try_get(message, Contend::yes) != Get::done) return "(nothing)";
  return text_of(message.body);
}

// Waits for a message, however many slices that takes.
std::string wait_and_get(Channel& channel) {
  while (channel.size() == 0) channel.wait_for_message(os::Deadline::never());
  return get(channel);
}

TEST(Channel, GivesMessagesInTheOrderOfTheirPutting) {
  Channel channel = make_channel();
  EXPECT_EQ(put(channel, "one"), Put::done);
  EXPECT_EQ(put(channel, ""), Put::done);
  EXPECT_EQ(put(channel, "three"), Put::done);
  EXPECT_EQ(channel.size(), 3u);
  EXPECT_EQ(get(channel), "one");
  EXPECT_EQ(get(channel), "");
  EXPECT_EQ(get(channel), "three");
  EXPECT_EQ(get(channel), "(nothing)");
  expect_sound(channel);
}

TEST(Channel, GoesOnOverManySegments) {
  Channel channel = make_channel();
  constexpr int kMessages = 50'000;
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(put(channel, std::to_string(i)), Put::done);
  expect_sound(channel);
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(get(channel), std::to_string(i));
  expect_sound(channel);
}

TEST(Channel, TakesAtMost64BytesForASmallMessage) {
  Channel channel = make_channel();
  const std::uint64_t before = bytes_in_use();
  constexpr int kMessages = 100'000;
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(put(channel, "12345678"), Put::done);
  EXPECT_LE(bytes_in_use() - before, kMessages * 64ull);
}

TEST(Channel, CarriesBodiesOfEverySizeAroundTheInlineLimit) {
  Channel channel = make_channel();
  for (std::size_t size : {1ul, 15ul, 16ul, 17ul, 4095ul, 4096ul, 4097ul, 70'000ul, 3'000'000ul}) {
    std::string body(size, 'x');
    body.back() = 'y';
    ASSERT_EQ(put(channel, body), Put::done);
    EXPECT_EQ(get(channel), body) << size;
  }
  expect_sound(channel);
}

TEST(Channel, HandsBlocksOver) {
  Channel channel = make_channel();
  std::vector<memory::BlockIndex> blocks;
  for (int i = 0; i < 400; ++i) {
    auto block = memory::allocate_block(8192);
    ASSERT_TRUE(block);
    std::memset(memory::block_data(*block), i, 8192);
    blocks.push_back(*block);
  }
  for (const std::size_t count : {1ul, 3ul, 396ul}) {
    const std::vector<memory::BlockIndex> sent(blocks.end() - static_cast<long>(count),
                                               blocks.end());
    blocks.resize(blocks.size() - count);
    ASSERT_EQ(channel.try_put({Kind::raw, bytes_of("blocks"), sent}, Contend::yes), Put::done);
    expect_sound(channel);
    Incoming message;
    ASSERT_EQ(channel.try_get(message, Contend::yes), Get::done);
    EXPECT_EQ(message.blocks, sent);
    EXPECT_EQ(text_of(message.body), "blocks");
    message.discard();
    expect_sound(channel);
  }
}

TEST(Channel, RefusesMoreThanItsMaximum) {
  Channel channel = make_channel({.maximum = 2});
  EXPECT_EQ(put(channel, "a"), Put::done);
  EXPECT_FALSE(channel.full());
  EXPECT_EQ(put(channel, "b"), Put::done);
  EXPECT_TRUE(channel.full());
  EXPECT_EQ(put(channel, "c"), Put::full);
  EXPECT_EQ(get(channel), "a");
  EXPECT_EQ(put(channel, "c"), Put::done);
}

TEST(Channel, BoundsTheBytesInFlightButAlwaysTakesOneMessage) {
  Channel channel = make_channel({.maximum_bytes = 10'000});
  EXPECT_EQ(put(channel, std::string(50'000, 'x')), Put::done);
  EXPECT_EQ(put(channel, "a"), Put::full);
  EXPECT_EQ(get(channel).size(), 50'000u);
  EXPECT_EQ(put(channel, std::string(6'000, 'x')), Put::done);
  EXPECT_EQ(put(channel, std::string(6'000, 'x')), Put::full);
  EXPECT_EQ(put(channel, "a"), Put::done);
}

TEST(Channel, PassesMessagesBetweenProcesses) {
  Channel there = make_channel();
  Channel back = make_channel();
  const pid_t child = start_process([&] {
    for (int i = 0; i < 1000; ++i) put(back, wait_and_get(there) + "!");
  });
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(put(there, std::to_string(i)), Put::done);
    ASSERT_EQ(wait_and_get(back), std::to_string(i) + "!");
  }
  EXPECT_TRUE(ended_well(child));
  expect_sound(there);
  expect_sound(back);
}

TEST(Channel, KeepsAMessageWhoseSenderIsGone) {
  Channel channel = make_channel();
  const pid_t child = start_process([&] {
    put(channel, std::string(1'000'000, 'z'));
    raise(SIGKILL);
  });
  EXPECT_FALSE(ended_well(child));
  EXPECT_EQ(get(channel), std::string(1'000'000, 'z'));
  expect_sound(channel);
}

// Whoever waits looks again at the end of each slice: so only the count of wakes tells that
// somebody was woken. One whose slice ends in that moment is not; then the next one is.
template <class Prepare, class Sleep, class Act>
void expect_wake(const Prepare& prepare, const Sleep& sleep, const Act& act) {
  const auto wakes = [] { return trace::read(memory::self(), trace::Counter::wakes); };
  for (const std::uint64_t before = wakes(); wakes() == before;) {
    prepare();
    const pid_t sleeper = start_process(sleep);
    os::testing::wait_until_asleep(sleeper);
    act();
    EXPECT_TRUE(ended_well(sleeper));
  }
}

TEST(Channel, WakesWhoWaitsForAMessage) {
  const onecopy::testing::Watchdog watchdog("message", 100);
  Channel channel = make_channel();
  expect_wake([] {}, [&] { EXPECT_EQ(wait_and_get(channel), "it"); }, [&] { put(channel, "it"); });
}

TEST(Channel, WakesWhoWaitsForRoom) {
  const onecopy::testing::Watchdog watchdog("room", 100);
  Channel channel = make_channel({.maximum = 1});
  expect_wake([&] { ASSERT_EQ(put(channel, "first"), Put::done); },
              [&] {
                while (put(channel, "second") != Put::done) {
                  channel.wait_for_room(os::Deadline::never());
                }
              },
              [&] {
                EXPECT_EQ(get(channel), "first");
                EXPECT_EQ(wait_and_get(channel), "second");
              });
}

TEST(Channel, WakesWhoWaitsForTheWorkToBeDone) {
  const onecopy::testing::Watchdog watchdog("work", 100);
  Channel channel = make_channel();
  expect_wake(
      [&] {
        put(channel, "work");
        get(channel);
      },
      [&] {
        while (!channel.all_done()) channel.wait_for_all_done(os::Deadline::never());
      },
      [&] { EXPECT_TRUE(channel.task_done()); });
}

TEST(Channel, AnswersTimedOutWhenNothingCame) {
  Channel channel = make_channel();
  EXPECT_EQ(channel.wait_for_message(os::Deadline::after(1000)), Wait::timed_out);
}

TEST(Channel, CountsWorkDone) {
  Channel channel = make_channel();
  EXPECT_FALSE(channel.task_done());
  put(channel, "work");
  EXPECT_FALSE(channel.all_done());
  get(channel);
  EXPECT_FALSE(channel.all_done());
  EXPECT_TRUE(channel.task_done());
  EXPECT_TRUE(channel.all_done());
  EXPECT_FALSE(channel.task_done());
}

TEST(Channel, IsOpenedByNameUntilTheLastHandleIsGone) {
  Name name{};
  {
    Channel channel = make_channel();
    name = channel.name();
    put(channel, "x");
    auto second = Channel::open(name);
    ASSERT_TRUE(second);
    channel = Channel();
    EXPECT_EQ(get(*second), "x");
  }
  EXPECT_EQ(Channel::open(name).error(), Error::closed);
  EXPECT_EQ(memory::validate_memory(), "");
}

TEST(Channel, GivesBackWhatLayInItWhenItGoes) {
  const std::uint64_t before = bytes_in_use();
  {
    Channel channel = make_channel();
    for (int i = 0; i < 10; ++i) put(channel, std::string(100'000, 'x'));
  }
  EXPECT_EQ(bytes_in_use(), before);
}

TEST(Channel, IsHeldByAChildThatTheParentForkedAndForgot) {
  Channel answers = make_channel();
  pid_t child = 0;
  {
    Channel channel = make_channel();
    put(channel, "kept");
    child = start_process([&] {
      wait_and_get(answers);  // until the parent has let go
      put(answers, wait_and_get(channel));
    });
  }
  put(answers, "go");
  EXPECT_TRUE(ended_well(child));
  EXPECT_EQ(wait_and_get(answers), "kept");
}

// Once each message taken into the same place left the block of the last one's body behind.
TEST(Channel, ReleasesABodyWhenTheNextIsTakenIntoItsPlace) {
  Channel channel = make_channel();
  const std::string body(100'000, 'x');
  put(channel, body);
  put(channel, body);
  put(channel, "short");
  const std::uint64_t before = bytes_in_use();
  Incoming message;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(channel.try_get(message, Contend::yes), Get::done);
    EXPECT_EQ(text_of(message.body), i < 2 ? body : "short");
  }
  EXPECT_LT(bytes_in_use() + 2 * body.size(), before);
  expect_sound(channel);
}

TEST(Channel, NamesTheLimitWhenMemoryRunsOutAndGoesOnAfterwards) {
  EXPECT_TRUE(ended_well(start_process([] {
    memory::join_family().value();
    memory::header().limit = memory::header().resident + (1 << 20);
    Channel channel = make_channel();
    int count = 0;
    Put outcome = Put::done;
    // Bodies in segments and in blocks of their own: either may be what does not fit.
    for (; outcome == Put::done; ++count) {
      outcome = put(channel, std::string(count % 3 == 0 ? 5000u : 500u, 'x'));
    }
    ASSERT_EQ(outcome, Put::no_memory);
    EXPECT_GE(count, 50);
    EXPECT_NE(last_put_failure().text().find("ONECOPY_MEMORY_LIMIT"), std::string::npos);
    expect_sound(channel);
    for (int i = 0; i < count - 1; ++i) {
      ASSERT_EQ(get(channel).size(), i % 3 == 0 ? 5000u : 500u);
    }
    EXPECT_EQ(put(channel, "again"), Put::done);
    EXPECT_EQ(get(channel), "again");
    expect_sound(channel);
  })));
}

}  // namespace
}  // namespace onecopy::channel
