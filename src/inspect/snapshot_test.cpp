#include "inspect/snapshot.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include <pthread.h>

#include "memory/shared.hpp"
#include "os/system.hpp"
#include "os/testing.hpp"
#include "sync/lock.hpp"
#include "testing/fresh_process.hpp"
#include "testing/locking.hpp"
#include "testing/pool_fixture.hpp"

namespace onecopy::inspect {
namespace {

using memory::Purpose;
using onecopy::testing::answer_task;
using onecopy::testing::draft;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::make_channel;
using onecopy::testing::make_crew;
using onecopy::testing::put;
using onecopy::testing::put_task;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::sit_down;
using onecopy::testing::start_process;
using onecopy::testing::take;
using onecopy::testing::take_task;
using os::testing::Shared;

using Slots = std::vector<memory::Slot>;

Snapshot look() { return take_snapshot(memory::family_descriptor().value()).value_or_throw(); }

const Usage::Sum& sum_of(const Snapshot& snapshot, Purpose purpose) {
  return snapshot.blocks.usage.by_purpose.at(static_cast<std::size_t>(purpose));
}

// A member that does nothing.
pid_t start_member() {
  Shared<std::atomic<bool>> ready;
  const pid_t child = start_process([&] {
    *ready = true;
    pause();
  });
  while (!*ready) {
  }
  return child;
}

TEST(Snapshot, ShowsTheLivingAndTheDeadUntilTheyAreTakenBack) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    const pid_t child = start_member();

    Snapshot snapshot = look();
    ASSERT_EQ(snapshot.members.size(), 2u);
    EXPECT_EQ(snapshot.members[0].pid, getpid());
    EXPECT_EQ(snapshot.members[1].pid, child);
    EXPECT_TRUE(snapshot.members[0].living && snapshot.members[1].living);
    EXPECT_GE(snapshot.members[1].joined_at, snapshot.members[0].joined_at);
    EXPECT_LE(snapshot.members[1].joined_at, snapshot.taken_at);

    kill_process(child);
    EXPECT_FALSE(look().members[1].living);
    memory::reclaim_dead();
    EXPECT_EQ(look().members.size(), 1u);
  });
}

TEST(Snapshot, ShowsAChildThatIsNotBornYet) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    const memory::Ticket ticket = memory::reserve_place().value();
    const Snapshot snapshot = look();
    ASSERT_EQ(snapshot.members.size(), 2u);
    EXPECT_EQ(snapshot.members[1].pid, 0);
    EXPECT_TRUE(snapshot.members[1].living);
    memory::release_place(ticket);
    EXPECT_EQ(look().members.size(), 1u);
  });
}

TEST(Snapshot, ShowsThatAChildWasNeverBorn) {
  in_fresh_process([] {
    // In a child this comes before the engine's own hook.
    ASSERT_EQ(pthread_atfork(nullptr, nullptr, os::kill_self), 0);
    ASSERT_TRUE(memory::join_family());
    const pid_t child = fork();
    ASSERT_TRUE(os::wait_process(child));
    const Snapshot snapshot = look();
    ASSERT_EQ(snapshot.members.size(), 2u);
    EXPECT_FALSE(snapshot.members[1].living);
  });
}

TEST(Snapshot, CountsTheMessagesOfAChannel) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    channel::Channel channel = make_channel({.maximum = 5});
    const Shape large{"Large", 20, {100'000}};
    for (std::uint32_t i = 0; i < 4; ++i) put(channel, draft(i, large));
    take(channel, {large});

    const Snapshot snapshot = look();

    ASSERT_EQ(snapshot.channels.size(), 1u);
    const Channel& seen = snapshot.channels[0];
    EXPECT_EQ(seen.index, channel.name().index);
    EXPECT_EQ(seen.generation, channel.name().generation);
    EXPECT_EQ(seen.maximum, 5u);
    EXPECT_EQ(seen.maximum_bytes, 0u);
    EXPECT_EQ(seen.put, 4u);
    EXPECT_EQ(seen.taken, 1u);
    EXPECT_EQ(seen.waiting, 3u);
    EXPECT_GE(seen.bytes, 300'000u);
    EXPECT_LT(seen.bytes, 310'000u);
    EXPECT_EQ(seen.holders, Slots{0});
    EXPECT_EQ(
        snapshot.members[0].figures.at(static_cast<std::size_t>(trace::Counter::messages_put)), 4u);
  });
}

TEST(Snapshot, CountsAcrossTheWrap) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    pool::Crew crew = make_crew(1);
    onecopy::testing::begin_numbers_at(crew, 0xffffffff);
    for (std::uint32_t i = 0; i < 3; ++i) put_task(crew, draft(i, shapes()[0]));
    EXPECT_EQ(look().channels.at(0).waiting, 3u);
    EXPECT_EQ(look().channels.at(0).put, 2u);
  });
}

TEST(Snapshot, ShowsWhatAPipeMayHoldAndWhoHasIt) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    channel::Channel channel = make_channel({.maximum_bytes = 64 * 100});
    const pid_t child = start_member();
    const Snapshot snapshot = look();
    EXPECT_EQ(snapshot.channels.at(0).maximum_bytes, 64u * 100);
    EXPECT_EQ(snapshot.channels.at(0).holders, (Slots{0, 1}));
    kill_process(child);
  });
}

TEST(Snapshot, ShowsWhoSleepsForAMessage) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    channel::Channel channel = make_channel();
    const pid_t child = start_process([&] {
      for (;;) channel.wait_for_message(os::Deadline::never());
    });
    while (look().channels.at(0).getters_asleep == 0) {
    }
    kill_process(child);
  });
}

TEST(Snapshot, ShowsNoChannelThatIsGone) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    make_channel();
    EXPECT_TRUE(look().channels.empty());
  });
}

TEST(Snapshot, AgreesWithTheCensus) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    channel::Channel channel = make_channel();
    for (std::uint32_t i = 0; i < shapes().size(); ++i) put(channel, draft(i, shapes()[i]));
    const memory::BlockIndex held = memory::allocate_block(50'000).value();
    memory::retain_view(held);
    memory::release_block(memory::allocate_block(3 << 20).value());
    ASSERT_TRUE(memory::make_shared_block(20'000, Purpose::array));
    const pid_t child = start_member();

    const memory::Census census = memory::take_census();
    const Snapshot snapshot = look();

    const Usage& usage = snapshot.blocks.usage;
    EXPECT_EQ(usage.queued.bytes, census.queued);
    EXPECT_EQ(usage.queued.blocks, census.queued_blocks);
    EXPECT_EQ(usage.frozen.bytes, census.frozen);
    EXPECT_EQ(usage.shared.bytes, census.shared);
    EXPECT_EQ(usage.warm.bytes, census.warm);
    EXPECT_EQ(snapshot.head.resident, census.resident);
    EXPECT_EQ(snapshot.head.highest_resident, census.highest_resident);
    EXPECT_EQ(snapshot.blocks.in_use.size(), census.blocks_in_use);
    std::uint64_t in_use = 0;
    for (const Usage::Sum& sum : usage.by_purpose) in_use += sum.bytes;
    EXPECT_EQ(in_use, census.in_use);
    EXPECT_EQ(in_use,
              usage.held.bytes + usage.queued.bytes + usage.frozen.bytes + usage.shared.bytes);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(snapshot.members[i].blocks, census.members[i].blocks);
      EXPECT_EQ(snapshot.members[i].bytes, census.members[i].bytes);
    }
    kill_process(child);
  });
}

TEST(Snapshot, CountsAPartWithItsHead) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    channel::Channel channel = make_channel();
    put(channel, draft(0, {"ThreeBlocks", 20, {100, 500, 6000}}));
    for (const Block& block : look().blocks.in_use) {
      EXPECT_EQ(block.owner, memory::OwnerWord::queued(channel.name().index));
    }
    EXPECT_EQ(sum_of(look(), Purpose::data).blocks, 3u);
    EXPECT_EQ(sum_of(look(), Purpose::segment).blocks, 1u);
  });
}

TEST(Snapshot, NamesTheLargestBlocksAndTheirHolders) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    memory::allocate_block(100'000).value();
    const memory::SharedName shared = memory::make_shared_block(3'000'000, Purpose::array).value();
    memory::allocate_block(200'000).value();
    const pid_t child = start_member();

    const Snapshot snapshot = look();
    const auto found = largest(snapshot.blocks.in_use, 2);

    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0]->index, shared.block);
    EXPECT_EQ(found[0]->length, 3'000'000u);
    EXPECT_EQ(found[0]->holders, (Slots{0, 1}));
    EXPECT_EQ(found[1]->length, 200'000u);
    EXPECT_EQ(found[1]->owner, memory::OwnerWord::held(0));
    EXPECT_EQ(largest(snapshot.blocks.in_use, 100).size(), 3u) << "all there are";
    kill_process(child);
  });
}

TEST(Snapshot, ShowsThePoolAndWhatItsWorkersAreAt) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    pool::Crew crew = make_crew(3);
    for (std::uint32_t i = 0; i < 3; ++i) put_task(crew, draft(i, shapes()[0]));
    pool::Worker worker = sit_down(crew.name(), 1);
    answer_task(worker, take_task(worker).number, shapes()[0]);
    take_task(worker);
    worker.spend(pool::Phase::computing, 5000);

    const Snapshot snapshot = look();

    ASSERT_EQ(snapshot.pools.size(), 1u);
    const Pool& pool = snapshot.pools[0];
    EXPECT_EQ(pool.block, crew.name().seats.block);
    EXPECT_EQ(pool.time, crew.name().seats.time);
    EXPECT_FALSE(pool.closing);
    EXPECT_EQ(pool.holders, Slots{0});
    ASSERT_EQ(pool.seats.size(), 3u);
    EXPECT_EQ(pool.seats[0].started, 0u) << "nobody sits there";
    EXPECT_EQ(pool.seats[0].worker, std::nullopt);
    EXPECT_EQ(pool.seats[1].worker, memory::self());
    EXPECT_EQ(pool.tasks, crew.name().tasks.index);
    EXPECT_EQ(pool.answers, crew.name().answers.index);
    EXPECT_EQ(pool.seats[1].at, 1u);
    EXPECT_EQ(pool.seats[1].taken, 2u);
    EXPECT_NE(pool.seats[1].started, 0u);
    EXPECT_EQ(pool.seats[1].spent.at(static_cast<std::size_t>(pool::Phase::computing)), 5000u);
    EXPECT_EQ(pool.seats[2].at, std::nullopt);
    crew.close();
    EXPECT_TRUE(look().pools[0].closing);
  });
}

TEST(Snapshot, ShowsWhoHoldsALockAndWhetherAnybodyWaits) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    sync::Lock lock = sync::Lock::create().value_or_throw();
    const sync::Lock free = sync::Lock::create().value_or_throw();
    ASSERT_EQ(onecopy::testing::take(lock), sync::Locked::yes);
    const pid_t waiter = start_process([&] { onecopy::testing::take(lock); });
    while (look().locks.size() != 1 || !look().locks[0].waited_for) {
    }
    EXPECT_EQ(look().locks[0].block, lock.name().block);
    EXPECT_EQ(look().locks[0].holder, memory::self());
    kill_process(waiter);
  });
}

TEST(Snapshot, ShowsALockThatWasLeftHeld) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    sync::Lock lock = sync::Lock::create().value_or_throw();
    EXPECT_TRUE(onecopy::testing::ended_well(start_process([&] {
      onecopy::testing::take(lock);
      sync::leave_locks_held();
    })));
    memory::reclaim_dead();
    ASSERT_EQ(look().locks.size(), 1u);
    EXPECT_EQ(look().locks[0].holder, std::nullopt);
  });
}

}  // namespace
}  // namespace onecopy::inspect
