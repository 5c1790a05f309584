// Whoever looks sees something that can be, whatever happens meanwhile; and nobody notices.
//
// Members put and take messages through a bounded channel, fork and share, as fast as they can, and
// are killed one after the other at random moments, while snapshots are taken all the time.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "inspect/snapshot.hpp"
#include "memory/shared.hpp"
#include "testing/fresh_process.hpp"
#include "testing/messages.hpp"
#include "testing/seed.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::inspect {
namespace {

using onecopy::testing::draft;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::shapes;
using onecopy::testing::start_process;
using onecopy::testing::take;
using onecopy::testing::wants_everything;
using onecopy::testing::Watchdog;

constexpr std::uint32_t kMaximum = 7;
constexpr std::size_t kWorkers = 3;

[[noreturn]] void make_traffic(channel::Channel& channel) {
  for (std::uint32_t i = 0;; ++i) {
    put(channel, draft(i, shapes()[i % shapes().size()]));
    take(channel);
    if (i % 16 == 0) {
      const auto name = memory::make_shared_block(i % 100'000, memory::Purpose::array);
      if (name) memory::let_go_shared(*name);
    }
  }
}

void expect_possible(const Snapshot& snapshot, std::size_t living) {
  ASSERT_FALSE(snapshot.members.empty());
  EXPECT_EQ(snapshot.members[0].pid, getpid());
  EXPECT_TRUE(snapshot.members[0].living);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(snapshot.members, true, &Member::living)),
            living);
  ASSERT_EQ(snapshot.channels.size(), 1u);
  EXPECT_LE(snapshot.channels[0].waiting, kMaximum);
  EXPECT_LE(snapshot.channels[0].bytes, 1u << 20);
  EXPECT_EQ(snapshot.channels[0].holders.at(0), 0u);
  std::uint64_t in_use = 0;
  for (const Usage::Sum& sum : snapshot.blocks.usage.by_purpose) in_use += sum.bytes;
  const Usage& usage = snapshot.blocks.usage;
  EXPECT_EQ(in_use,
            usage.held.bytes + usage.queued.bytes + usage.frozen.bytes + usage.shared.bytes);
  for (const Block& block : snapshot.blocks.in_use) EXPECT_LE(block.length, block.capacity);
}

TEST(SnapshotKill, SeesWhatCanBeAndDisturbsNobody) {
  in_fresh_process([] {
    const std::uint32_t kills = wants_everything() ? 1000 : 60;
    const Watchdog watchdog("snapshots", wants_everything() ? 600 : 100);
    auto random = onecopy::testing::random_for("snapshots");
    ASSERT_TRUE(memory::join_family());
    const std::uint64_t before = onecopy::testing::bytes_in_use();
    channel::Channel channel = make_channel({.maximum = kMaximum});
    std::array<pid_t, kWorkers> workers{};
    for (pid_t& worker : workers) worker = start_process([&] { make_traffic(channel); });
    const int arena = memory::family_descriptor().value();

    for (std::uint32_t killed = 0; killed < kills; ++killed) {
      for (std::uint64_t looks = random() % 20; looks > 0; --looks) {
        const auto snapshot = take_snapshot(arena);
        ASSERT_TRUE(snapshot) << snapshot.failure().text();
        expect_possible(*snapshot, 1 + kWorkers);
      }
      pid_t& worker = workers.at(random() % kWorkers);
      kill_process(worker);
      expect_possible(take_snapshot(arena).value_or_throw(), kWorkers);
      if (random() % 2 == 0) memory::reclaim_dead();
      worker = start_process([&] { make_traffic(channel); });
    }

    EXPECT_GT(take_snapshot(arena).value_or_throw().channels[0].taken, 0u);
    for (const pid_t worker : workers) kill_process(worker);
    memory::reclaim_dead();
    EXPECT_EQ(channel.validate(), "");
    channel = channel::Channel();
    EXPECT_EQ(onecopy::testing::bytes_in_use(), before);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

}  // namespace
}  // namespace onecopy::inspect
