// Every case runs in a process of its own, so that all that is left in the end is its own doing.
#include "memory/frozen.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;
using os::testing::Shared;

constexpr std::size_t kBytes = 3 * 4096 + 5;

BlockIndex make_array(int value) {
  const BlockIndex block = allocate_block(kBytes).value();
  retain_view(block);
  std::memset(block_data(block), value, kBytes);
  return block;
}

bool is_all(BlockIndex block, int value) {
  for (std::size_t i = 0; i < kBytes; ++i) {
    if (block_data(block)[i] != static_cast<std::byte>(value)) return false;
  }
  return true;
}

// The children that a test waits on, and lets go on one by one.
struct Signals {
  std::atomic<int> ready;
  std::atomic<int> stage;

  void wait_for_stage(int wanted) const {
    while (stage < wanted) {
    }
  }
  void wait_for_ready(int wanted) const {
    while (ready < wanted) {
    }
  }
};

void expect_all_free() {
  reclaim_dead();
  EXPECT_EQ(validate_memory(), "");
  EXPECT_EQ(take_census().blocks_in_use, 0u);
  EXPECT_EQ(take_census().frozen, 0u);
}

TEST(Frozen, ArraysArePrivateToEachSideAfterAFork) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<Signals> signals;
    const BlockIndex array = make_array(1);
    const pid_t child = start_process([&] {
      EXPECT_TRUE(is_all(array, 1));
      std::memset(block_data(array), 2, kBytes / 2);
      ++signals->ready;
      signals->wait_for_stage(1);
      EXPECT_EQ(block_data(array)[0], std::byte{2});
      EXPECT_EQ(block_data(array)[kBytes - 1], std::byte{1}) << "not what the parent wrote";
      release_view(array);
    });
    signals->wait_for_ready(1);
    EXPECT_TRUE(is_all(array, 1)) << "not what the child wrote";
    std::memset(block_data(array), 3, kBytes);
    signals->stage = 1;
    EXPECT_TRUE(ended_well(child));
    EXPECT_TRUE(is_all(array, 3));
    release_view(array);
    expect_all_free();
  });
}

// One, two, three holders let go in each order; the others go on seeing what they saw.
TEST(Frozen, BlocksAreFreeWhenTheLastHolderLetsGoInWhateverOrder) {
  for (const std::vector<int>& order :
       {std::vector{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
    in_fresh_process([&] {
      const Watchdog watchdog("order of release", 60);
      ASSERT_TRUE(join_family());
      Shared<Signals> signals;
      const BlockIndex array = make_array(1);
      const auto hold = [&](int who) {
        for (int turn = 0; turn < 3; ++turn) {
          signals->wait_for_stage(turn);
          if (order[static_cast<std::size_t>(turn)] != who) continue;
          EXPECT_TRUE(is_all(array, 1)) << "held by number " << who;
          release_view(array);
          ++signals->stage;
        }
      };
      signals->stage = -1;
      const pid_t first = start_process([&] { hold(1); });
      const pid_t second = start_process([&] { hold(2); });
      EXPECT_GT(take_census().frozen, 0u);
      signals->stage = 0;
      hold(0);
      EXPECT_TRUE(ended_well(first));
      EXPECT_TRUE(ended_well(second));
      EXPECT_EQ(take_census().blocks_in_use, 0u) << "without any reclaim";
      expect_all_free();
    });
  }
}

TEST(Frozen, NestedForksSeeEachTheValuesOfTheirMoment) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex array = make_array(1);
    const pid_t child = start_process([&] {
      std::memset(block_data(array), 2, kBytes);
      const pid_t grandchild = start_process([&] {
        EXPECT_TRUE(is_all(array, 2)) << "what its parent had when it forked";
        std::memset(block_data(array), 3, kBytes);
        EXPECT_TRUE(ended_well(start_process([&] {
          EXPECT_TRUE(is_all(array, 3));
          release_view(array);
        })));
        release_view(array);
      });
      std::memset(block_data(array), 4, kBytes);
      EXPECT_TRUE(ended_well(grandchild));
      EXPECT_TRUE(is_all(array, 4));
      release_view(array);
    });
    EXPECT_TRUE(ended_well(child));
    EXPECT_TRUE(is_all(array, 1));
    release_view(array);
    expect_all_free();
  });
}

TEST(Frozen, BlocksOfADeadParentStayTheChilds) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<Signals> signals;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t parent = start_process([&] {
      const BlockIndex array = make_array(1);
      if (fork() == 0) {
        ++signals->ready;
        signals->wait_for_stage(1);
        _exit(is_all(array, 1) ? 0 : 1);
      }
      pause();
    });
    signals->wait_for_ready(1);
    kill_process(parent);
    EXPECT_EQ(reclaim_dead(), 1u);
    std::vector<BlockIndex> scribbled;
    for (int i = 0; i < 8; ++i) scribbled.push_back(make_array(0xee));
    signals->stage = 1;
    int status = -1;
    EXPECT_GT(wait(&status), 0);
    EXPECT_EQ(status, 0);
    for (const BlockIndex block : scribbled) release_view(block);
    expect_all_free();
  });
}

TEST(Frozen, BlocksMayNotBeSurrendered) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex array = make_array(1);
    kill_process(start_process([] { pause(); }));
    EXPECT_FALSE(surrender_view(array)) << "others may hold it too";
    EXPECT_EQ(block_at(block_data(array)), kNoBlock);
    EXPECT_EQ(view_count(array), 1u);
    release_view(array);
    EXPECT_GT(take_census().frozen, 0u) << "the dead child holds it still";
    expect_all_free();
  });
}

TEST(Frozen, BlocksAreOrdinaryAgainWhenTheyAreUsedAgain) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex array = make_array(1);
    EXPECT_TRUE(ended_well(start_process([&] { release_view(array); })));
    std::memset(block_data(array), 2, kBytes);
    release_view(array);
    expect_all_free();
    const BlockIndex again = make_array(5);
    ASSERT_EQ(again, array);
    EXPECT_TRUE(surrender_view(again));
    // What this process writes is seen by another through the file.
    EXPECT_TRUE(ended_well(start_process([&] { EXPECT_TRUE(is_all(array, 5)); })));
    release_block(again);
    expect_all_free();
  });
}

TEST(Frozen, ManyBlocksTakeFewMappings) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const auto mappings = [] {
      int lines = 0;
      std::FILE* const maps = std::fopen("/proc/self/maps", "r");
      for (int c; (c = std::fgetc(maps)) != EOF;) lines += c == '\n' ? 1 : 0;
      std::fclose(maps);
      return lines;
    };
    std::vector<BlockIndex> arrays;
    for (int i = 0; i < 300; ++i) arrays.push_back(make_array(i % 200));
    const int before = mappings();
    EXPECT_TRUE(ended_well(start_process([&] {
      for (int i = 0; i < 300; ++i) {
        EXPECT_TRUE(is_all(arrays[static_cast<std::size_t>(i)], i % 200));
      }
    })));
    EXPECT_LE(mappings(), before + 10);
    for (const BlockIndex block : arrays) release_view(block);
    expect_all_free();
  });
}

// The child of a thread that forked while another was about to release its last view of an array:
// nobody in the child looks into it, and the thread is not there to finish. Once the child kept the
// private mapping of those pages, and saw old bytes when it was sent the block later.
TEST(Frozen, BlocksThatAThreadWasLettingGoOfAreLetGoOfInTheChild) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex array = make_array(1);
    kill_process(start_process([] { pause(); }));  // freezes it
    std::memset(block_data(array), 2, kBytes);     // private pages, which a child copies
    // As release_view() has done when it comes to the mutex that a fork holds.
    local().blocks[array].views = 0;
    Shared<Signals> signals;
    const pid_t child = start_process([&] {
      EXPECT_FALSE(ledger_has(Ledger::blocks, self(), array));
      ++signals->ready;
      signals->wait_for_stage(1);
      EXPECT_TRUE(is_all(array, 7)) << "what is in the block now, not what was copied";
    });
    signals->wait_for_ready(1);
    local().blocks[array].views = 1;
    release_view(array);
    reclaim_dead();
    const BlockIndex again = make_array(7);
    ASSERT_EQ(again, array);
    signals->stage = 1;
    EXPECT_TRUE(ended_well(child));
    release_view(again);
    expect_all_free();
  });
}

// Who found no holder of a frozen block, and was slow, must not free it when it has been freed,
// used and frozen again meanwhile.
TEST(Frozen, BlocksHaveAnotherOwnerWordEachTime) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex array = make_array(1);
    kill_process(start_process([] { pause(); }));
    const OwnerWord first = owner_of(array);
    EXPECT_EQ(first.state(), OwnerState::frozen);
    release_view(array);
    reclaim_dead();
    const BlockIndex again = make_array(2);
    ASSERT_EQ(again, array);
    kill_process(start_process([] { pause(); }));
    EXPECT_EQ(owner_of(again).state(), OwnerState::frozen);
    EXPECT_NE(owner_of(again), first);
    EXPECT_FALSE(change_owner(again, first, OwnerWord::held(self())));
    release_view(again);
    expect_all_free();
  });
}

}  // namespace
}  // namespace onecopy::memory
