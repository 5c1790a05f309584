// What else there is to taking back than dying in it (reclaim_kill_test.cpp).
#include "memory/reclaim.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/owner.hpp"
#include "memory/validate.hpp"
#include "testing/fresh_process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;

void leave_dead_with_a_block() {
  EXPECT_TRUE(ended_well(start_process([] { allocate_block(100).value(); })));
}

TEST(Reclaim, TakesBackWhatWhoeverEndedHeld) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    EXPECT_EQ(reclaim_dead(), 0u);
    leave_dead_with_a_block();
    leave_dead_with_a_block();
    EXPECT_EQ(take_census().blocks_in_use, 2u);
    EXPECT_EQ(reclaim_dead(), 2u);
    EXPECT_EQ(take_census().blocks_in_use, 0u);
    EXPECT_EQ(reclaim_dead(), 0u);
  });
}

TEST(Reclaim, LeavesTheLivingAlone) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex mine = allocate_block(100).value();
    const pid_t child = start_process([] {
      allocate_block(100).value();
      pause();
    });
    while (take_census().blocks_in_use < 2) {
    }
    leave_dead_with_a_block();
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_EQ(take_census().blocks_in_use, 2u);
    EXPECT_EQ(owner_of(mine), OwnerWord::held(self()));
    kill_process(child);
  });
}

TEST(Reclaim, IsDoneByManyAtOnce) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 4; ++i) leave_dead_with_a_block();
      std::vector<pid_t> reclaimers;
      for (int i = 0; i < 3; ++i) reclaimers.push_back(start_process([] { reclaim_dead(); }));
      std::thread thread([] { reclaim_dead(); });
      reclaim_dead();
      thread.join();
      for (const pid_t reclaimer : reclaimers) EXPECT_TRUE(ended_well(reclaimer));
      reclaim_dead();
      EXPECT_EQ(take_census().blocks_in_use, 0u);
      EXPECT_EQ(take_census().members.size(), 1u);
    }
    EXPECT_EQ(validate_memory(), "");
  });
}

TEST(Reclaim, AsksTheRoomsAboveFirst) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    static Ticket asked;
    static std::uint32_t blocks = 0;
    add_reclaim_hook([](Slot slot, std::uint32_t generation) {
      asked = {slot, generation};
      blocks = take_census().blocks_in_use;
    });
    leave_dead_with_a_block();
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_EQ(asked.slot, 1u);
    EXPECT_EQ(asked.generation, generation_of(1));
    EXPECT_EQ(blocks, 1u) << "the block was not taken back yet";
  });
}

TEST(Reclaim, IsDoneNowAndThenByWhoHasNothingBetterToDo) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    leave_dead_with_a_block();
    look_for_dead();
    EXPECT_EQ(take_census().blocks_in_use, 0u);
    leave_dead_with_a_block();
    look_for_dead();
    EXPECT_EQ(take_census().blocks_in_use, 1u) << "looked a moment ago";
    header().looked_for_dead_at.store(0);
    look_for_dead();
    EXPECT_EQ(take_census().blocks_in_use, 0u);
  });
}

// Whoever looks by the way does not stand in a queue for it, least of all behind one that is
// stopped.
TEST(Reclaim, IsLeftToWhoIsAtIt) {
  in_fresh_process([] {
    const Watchdog watchdog("look for dead", 60);
    ASSERT_TRUE(join_family());
    leave_dead_with_a_block();
    const pid_t reclaimer = start_process([] {
      static_cast<void>(lock(header().reclaiming));
      raise(SIGSTOP);
    });
    int status = 0;
    ASSERT_EQ(waitpid(reclaimer, &status, WUNTRACED), reclaimer);
    look_for_dead();
    EXPECT_EQ(take_census().blocks_in_use, 1u);
    kill_process(reclaimer);
    header().looked_for_dead_at.store(0);
    look_for_dead();
    EXPECT_EQ(take_census().blocks_in_use, 0u) << "a dead one is at nothing";
  });
}

}  // namespace
}  // namespace onecopy::memory
