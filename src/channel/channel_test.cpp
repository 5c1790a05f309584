#include "channel/channel.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/validate.hpp"

namespace onecopy::channel {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Channel make(Options options = {}) {
  auto made = Channel::create(options);
  EXPECT_TRUE(made) << made.failure().text();
  return std::move(*made);
}

Put put(Channel& channel, const std::string& text) {
  return channel.try_put({1, bytes_of(text), {}}, Contend::yes);
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

int exit_code_of(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  memory::reclaim_dead();
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void expect_sound(const Channel& channel) {
  EXPECT_EQ(channel.validate(), "");
  EXPECT_EQ(memory::validate_memory(), "");
}

TEST(Channel, GivesMessagesInTheOrderOfTheirPutting) {
  Channel channel = make();
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
  Channel channel = make();
  constexpr int kMessages = 50'000;
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(put(channel, std::to_string(i)), Put::done);
  expect_sound(channel);
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(get(channel), std::to_string(i));
  expect_sound(channel);
}

TEST(Channel, TakesAtMost64BytesForASmallMessage) {
  Channel channel = make();
  const std::uint64_t before = memory::take_census().in_use;
  constexpr int kMessages = 100'000;
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(put(channel, "12345678"), Put::done);
  EXPECT_LE(memory::take_census().in_use - before, kMessages * 64ull);
}

TEST(Channel, CarriesBodiesOfEverySizeAroundTheInlineLimit) {
  Channel channel = make();
  for (std::size_t size : {1ul, 15ul, 16ul, 17ul, 4095ul, 4096ul, 4097ul, 70'000ul, 3'000'000ul}) {
    std::string body(size, 'x');
    body.back() = 'y';
    ASSERT_EQ(put(channel, body), Put::done);
    EXPECT_EQ(get(channel), body) << size;
  }
  expect_sound(channel);
}

TEST(Channel, HandsBlocksOver) {
  Channel channel = make();
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
    ASSERT_EQ(channel.try_put({1, bytes_of("blocks"), sent}, Contend::yes), Put::done);
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
  Channel channel = make({.maximum = 2});
  EXPECT_EQ(put(channel, "a"), Put::done);
  EXPECT_FALSE(channel.full());
  EXPECT_EQ(put(channel, "b"), Put::done);
  EXPECT_TRUE(channel.full());
  EXPECT_EQ(put(channel, "c"), Put::full);
  EXPECT_EQ(get(channel), "a");
  EXPECT_EQ(put(channel, "c"), Put::done);
}

TEST(Channel, BoundsTheBytesInFlightButAlwaysTakesOneMessage) {
  Channel channel = make({.maximum_bytes = 10'000});
  EXPECT_EQ(put(channel, std::string(50'000, 'x')), Put::done);
  EXPECT_EQ(put(channel, "a"), Put::full);
  EXPECT_EQ(get(channel).size(), 50'000u);
  EXPECT_EQ(put(channel, std::string(6'000, 'x')), Put::done);
  EXPECT_EQ(put(channel, std::string(6'000, 'x')), Put::full);
  EXPECT_EQ(put(channel, "a"), Put::done);
}

TEST(Channel, PassesMessagesBetweenProcesses) {
  Channel there = make();
  Channel back = make();
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 1000; ++i) put(back, wait_and_get(there) + "!");
    _exit(0);
  }
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(put(there, std::to_string(i)), Put::done);
    ASSERT_EQ(wait_and_get(back), std::to_string(i) + "!");
  }
  EXPECT_EQ(exit_code_of(child), 0);
  expect_sound(there);
  expect_sound(back);
}

TEST(Channel, KeepsAMessageWhoseSenderIsGone) {
  Channel channel = make();
  const pid_t child = fork();
  if (child == 0) {
    put(channel, std::string(1'000'000, 'z'));
    kill(getpid(), SIGKILL);
  }
  EXPECT_EQ(exit_code_of(child), -1);
  EXPECT_EQ(get(channel), std::string(1'000'000, 'z'));
  expect_sound(channel);
}

TEST(Channel, WakesWhoWaitsForRoom) {
  Channel channel = make({.maximum = 1});
  ASSERT_EQ(put(channel, "first"), Put::done);
  std::thread putter([&] {
    while (put(channel, "second") != Put::done) channel.wait_for_room(os::Deadline::never());
  });
  EXPECT_EQ(wait_and_get(channel), "first");
  EXPECT_EQ(wait_and_get(channel), "second");
  putter.join();
}

TEST(Channel, AnswersTimedOutWhenNothingCame) {
  Channel channel = make();
  EXPECT_EQ(channel.wait_for_message(os::Deadline::after(1000)), Wait::timed_out);
}

TEST(Channel, CountsWorkDone) {
  Channel channel = make();
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
    Channel channel = make();
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
  const std::uint64_t before = memory::take_census().in_use;
  {
    Channel channel = make();
    for (int i = 0; i < 10; ++i) put(channel, std::string(100'000, 'x'));
  }
  EXPECT_EQ(memory::take_census().in_use, before);
}

TEST(Channel, IsHeldByAChildThatTheParentForkedAndForgot) {
  Channel answers = make();
  pid_t child = 0;
  {
    Channel channel = make();
    put(channel, "kept");
    child = fork();
    if (child == 0) {
      wait_and_get(answers);  // until the parent has let go
      put(answers, wait_and_get(channel));
      _exit(0);
    }
  }
  put(answers, "go");
  EXPECT_EQ(exit_code_of(child), 0);
  EXPECT_EQ(wait_and_get(answers), "kept");
}

// Once each message taken into the same place left the block of the last one's body behind.
TEST(Channel, ReleasesABodyWhenTheNextIsTakenIntoItsPlace) {
  Channel channel = make();
  const std::string body(100'000, 'x');
  put(channel, body);
  put(channel, body);
  put(channel, "short");
  const std::uint64_t before = memory::take_census().in_use;
  Incoming message;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(channel.try_get(message, Contend::yes), Get::done);
    EXPECT_EQ(text_of(message.body), i < 2 ? body : "short");
  }
  EXPECT_LT(memory::take_census().in_use + 2 * body.size(), before);
  expect_sound(channel);
}

TEST(Channel, NamesTheLimitWhenMemoryRunsOutAndGoesOnAfterwards) {
  const pid_t child = fork();
  if (child == 0) {
    memory::join_family().value();
    memory::header().limit = memory::header().resident + (1 << 20);
    Channel channel = make();
    int count = 0;
    Put outcome = Put::done;
    // Bodies in segments and in blocks of their own: either may be what does not fit.
    for (; outcome == Put::done; ++count) {
      outcome = put(channel, std::string(count % 3 == 0 ? 5000u : 500u, 'x'));
    }
    if (outcome != Put::no_memory || count < 50) _exit(1);
    if (channel.last_failure().text().find("ONECOPY_MEMORY_LIMIT") == std::string::npos) _exit(2);
    if (channel.validate() != "" || memory::validate_memory() != "") _exit(3);
    for (int i = 0; i < count - 1; ++i) {
      if (get(channel).size() != (i % 3 == 0 ? 5000u : 500u)) _exit(4);
    }
    if (put(channel, "again") != Put::done || get(channel) != "again") _exit(5);
    _exit(channel.validate() == "" ? 0 : 6);
  }
  EXPECT_EQ(exit_code_of(child), 0);
}

}  // namespace
}  // namespace onecopy::channel
