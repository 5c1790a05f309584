// Making, holding and freeing channels. Cases that count channels run in a process of their own.
#include "channel/table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "channel/record.hpp"
#include "memory/ledger.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"
#include "testing/messages.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::channel {
namespace {

using memory::Ledger;
using onecopy::testing::bytes_in_use;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::put;
using onecopy::testing::shapes;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;
using os::testing::Shared;
using Numbers = std::vector<std::uint32_t>;

// Not of messages.hpp: here it is the table's own that is tested.
Channel make(Options options = {}) { return Channel::create(options).value(); }

TEST(Table, UsesAPlaceAgainUnderAnotherName) {
  in_fresh_process([] {
    Name first{};
    {
      const Channel channel = make();
      first = channel.name();
      EXPECT_TRUE(is_open(first));
    }
    EXPECT_FALSE(is_open(first));
    const Channel second = make();
    EXPECT_EQ(second.name().index, first.index);
    EXPECT_NE(second.name().generation, first.generation);
    EXPECT_FALSE(is_open(first));
    EXPECT_EQ(Channel::open(first).error(), Error::closed);
    EXPECT_EQ(Channel::open({memory::kMaxChannels, 1}).error(), Error::closed);
  });
}

TEST(Table, StartsEachChannelClean) {
  in_fresh_process([] {
    {
      Channel channel = make({.maximum = 3, .maximum_bytes = 100'000});
      for (std::uint32_t i = 0; i < 3; ++i) put(channel, draft(i, shapes()[i]));
    }
    Channel channel = make();
    EXPECT_EQ(channel.size(), 0u);
    EXPECT_EQ(channel.maximum(), 0u);
    EXPECT_EQ(channel.validate(), "");
    EXPECT_EQ(drain(channel), Numbers{});
  });
}

TEST(Table, HasRoomForSoManyChannelsAndNoMore) {
  in_fresh_process([] {
    std::vector<Channel> channels;
    for (std::uint32_t i = 0; i < memory::kMaxChannels; ++i) channels.push_back(make());
    const std::uint64_t before = bytes_in_use();
    const auto refused = Channel::create({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Error::too_many);
    EXPECT_NE(refused.failure().text().find("16384"), std::string::npos);
    EXPECT_EQ(bytes_in_use(), before);
    channels.pop_back();
    EXPECT_TRUE(Channel::create({}));
    channels.clear();
    EXPECT_EQ(bytes_in_use(), 0u);
  });
}

TEST(Table, KeepsAChannelForWhoeverStillHoldsIt) {
  in_fresh_process([] {
    Shared<std::atomic<bool>> go;
    Channel channel = make();
    const Name name = channel.name();
    put(channel, draft(1, shapes()[1]));
    const pid_t child = start_process([&] {
      while (!*go) {
      }
      EXPECT_EQ(drain(channel), Numbers{1});
    });
    channel = Channel();
    EXPECT_TRUE(is_open(name)) << "the child holds it since the fork";
    *go = true;
    EXPECT_TRUE(ended_well(child));
    memory::reclaim_dead();
    EXPECT_FALSE(is_open(name));
    EXPECT_EQ(bytes_in_use(), 0u);
  });
}

// The last holder but one ends with messages queued; the last one finds them all.
TEST(Table, KeepsWhatTheLastHolderButOneLeftQueued) {
  in_fresh_process([] {
    Channel channel = make();
    EXPECT_TRUE(ended_well(start_process([&] {
      for (std::uint32_t i = 0; i < 7; ++i) {
        ASSERT_EQ(put(channel, draft(i, shapes()[i])), Put::done);
      }
    })));
    memory::reclaim_dead();
    EXPECT_EQ(drain(channel), (Numbers{0, 1, 2, 3, 4, 5, 6}));
    channel = Channel();
    EXPECT_EQ(bytes_in_use(), 0u);
  });
}

TEST(Table, FreesAChannelWhoseHoldersWereAllKilled) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    Shared<std::atomic<int>> made;
    const pid_t child = start_process([&] {
      Channel channel = make();
      for (std::uint32_t i = 0; i < 7; ++i) put(channel, draft(i, shapes()[i]));
      ++*made;
      pause();
    });
    while (*made == 0) {
    }
    kill_process(child);
    EXPECT_GT(bytes_in_use(), 0u);
    memory::reclaim_dead();
    EXPECT_EQ(bytes_in_use(), 0u);
  });
}

// The place of a child that never came held the channel for it. Once giving up the place forgot to
// look whether anybody still did.
TEST(Table, FreesAChannelThatOnlyAnUnbornChildHeld) {
  in_fresh_process([] {
    Channel channel = make();
    const memory::Ticket place = memory::reserve_place().value();
    channel.hold_for(place.slot);
    const Name name = channel.name();
    channel = Channel();
    EXPECT_TRUE(is_open(name));
    memory::release_place(place);
    EXPECT_FALSE(is_open(name));
    EXPECT_EQ(bytes_in_use(), 0u);
  });
}

// A member that never used a channel takes back channels of the dead all the same.
TEST(Table, IsClearedOfTheDeadByWhoeverLooks) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    EXPECT_TRUE(ended_well(start_process([] {
      Channel channel = make();
      put(channel, draft(1, shapes()[1]));
      _exit(0);
    })));
    EXPECT_TRUE(ended_well(start_process([] { EXPECT_EQ(memory::reclaim_dead(), 1u); })));
    memory::reclaim_dead();
    EXPECT_EQ(bytes_in_use(), 0u);
    EXPECT_FALSE(memory::ledger_held_by_anyone(Ledger::channels, 0));
  });
}

// A death in the middle of making or freeing is finished by the next who takes the lock.
TEST(Table, FinishesWhatTheDeadBegan) {
  for (const State state : {State::making, State::closing}) {
    in_fresh_process([&] {
      const Watchdog watchdog("table", 60);
      ASSERT_TRUE(memory::join_family());
      EXPECT_TRUE(ended_well(start_process([&] {
        Channel channel = make();
        put(channel, draft(1, shapes()[2]));
        memory::ledger_clear(Ledger::channels, memory::self(), channel.name().index);
        static_cast<void>(memory::lock(memory::header().channels));
        ChannelRecord& record = record_of(channel.name().index);
        record.state =
            (std::uint64_t{channel.name().generation} << 32) | static_cast<std::uint32_t>(state);
        _exit(0);
      })));
      Channel channel = make();
      EXPECT_EQ(channel.name().index, 0u) << "the place is free again";
      EXPECT_EQ(channel.validate(), "");
      memory::reclaim_dead();
      channel = Channel();
      EXPECT_EQ(bytes_in_use(), 0u);
    });
  }
}

// One thread opens and closes channels while another forks: each child holds what it has handles
// for, and nothing is left when all have ended.
TEST(Table, StaysInStepWithItsHandlesAcrossForks) {
  in_fresh_process([] {
    const Watchdog watchdog("handles", 100);
    const Channel kept = make();
    std::atomic<bool> stop{false};
    std::thread other([&] {
      while (!stop) {
        Channel first = make();
        Channel second = Channel::open(kept.name()).value();
        put(first, draft(1, shapes()[0]));
      }
    });
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(ended_well(start_process([&] {
        EXPECT_TRUE(memory::ledger_has(Ledger::channels, memory::self(), kept.name().index));
        EXPECT_TRUE(is_open(kept.name()));
      })));
      memory::reclaim_dead();
    }
    stop = true;
    other.join();
    EXPECT_EQ(kept.validate(), "");
    EXPECT_EQ(memory::take_census().queued_blocks, 1u) << "the segment of the one that is kept";
  });
}

// A process beyond the places that a family has is no member, and is told so.
TEST(Table, AnswersClosedToWhoIsNoMember) {
  in_fresh_process([] {
    Channel channel = make();
    put(channel, draft(1, shapes()[1]));
    while (memory::reserve_place()) {
    }
    EXPECT_TRUE(ended_well(start_process([&] {
      EXPECT_FALSE(memory::in_family());
      Incoming message;
      EXPECT_EQ(channel.try_get(message, Contend::yes), Get::closed);
      EXPECT_EQ(channel.try_put({Kind::raw, {}, {}}, Contend::yes), Put::closed);
      channel.keep_bell_level();
      EXPECT_FALSE(Channel::open(channel.name()));
      EXPECT_FALSE(Channel::create({}));
      channel = Channel();
    })));
    EXPECT_EQ(drain(channel), Numbers{1});
    EXPECT_EQ(channel.validate(), "");
  });
}

}  // namespace
}  // namespace onecopy::channel
