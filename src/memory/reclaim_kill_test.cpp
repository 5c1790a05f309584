// Who takes back what a dead process held dies himself, after each instruction. The next must
// finish the work: nothing leaked, nothing freed twice, what the living have untouched.

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/owner.hpp"
#include "memory/validate.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::kill_at_every_step;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;

class ReclaimKill : public ::testing::Test {
 protected:
  ReclaimKill() {
    EXPECT_TRUE(join_family());
    mine_ = allocate_block(5000).value();
    std::memset(block_data(mine_), 0x11, 5000);
    before_ = take_census().in_use;
  }
  ~ReclaimKill() override { release_block(mine_); }

  // A process that does `work` and is dead.
  template <class Work>
  void leave_dead(Work work) {
    const pid_t dead = start_process([&] {
      work();
      raise(SIGKILL);
    });
    EXPECT_TRUE(os::wait_process(dead));
  }

  void expect_all_taken_back() {
    reclaim_dead();
    EXPECT_EQ(reclaim_dead(), 0u) << "one look finds them all";
    EXPECT_EQ(validate_memory(), "");
    EXPECT_EQ(take_census().in_use, before_);
    EXPECT_EQ(take_census().members.size(), 1u) << "and their places are free";
    EXPECT_EQ(block_data(mine_)[0], std::byte{0x11});
    EXPECT_EQ(block_data(mine_)[4999], std::byte{0x11});
  }

  // Somebody dies after `work`, somebody else while taking back what the first held.
  template <class Work>
  void run(const char* name, Work work) {
    kill_at_every_step(
        {.name = name}, [&] { leave_dead(work); }, [] { reclaim_dead(); },
        [this] { expect_all_taken_back(); });
  }

  BlockIndex mine_ = kNoBlock;
  std::uint64_t before_ = 0;
};

TEST_F(ReclaimKill, OfBlocksHeld) {
  run("reclaim held", [] {
    for (int i = 0; i < 3; ++i) allocate_block(10'000).value();
  });
}

TEST_F(ReclaimKill, OfAMessageNotYetPut) {
  run("reclaim parts", [] {
    const BlockIndex head = allocate_block(100).value();
    for (int i = 0; i < 3; ++i) set_owner(allocate_block(100).value(), OwnerWord::part(head));
  });
}

TEST_F(ReclaimKill, OfTheBooksInDisorder) {
  run("reclaim books", [] {
    allocate_block(100).value();
    static_cast<void>(lock(header().books));
    // A block is on its way into no list, and the figures are wrong.
    header().warm_lists[0] = {kNoBlock, kNoBlock};
    header().resident += 12345;
    header().warm = 7;
  });
}

TEST_F(ReclaimKill, OfTheTableOfMembers) {
  run("reclaim members", [] { static_cast<void>(lock(header().members)); });
}

// Frozen by the dead one for a child that it never had.
TEST_F(ReclaimKill, OfFrozenBlocks) {
  run("reclaim frozen", [] {
    const BlockIndex block = allocate_block(100).value();
    retain_view(block);
    const pid_t child = start_process([] { pause(); });
    kill_process(child);
  });
}

TEST_F(ReclaimKill, OfAFrozenBlockThatOthersHold) {
  kill_at_every_step(
      {.name = "reclaim frozen, shared"},
      [&] {
        retain_view(mine_);
        kill_process(start_process([] { pause(); }));
      },
      [] { reclaim_dead(); },
      [&] {
        expect_all_taken_back();
        EXPECT_EQ(owner_of(mine_).state(), OwnerState::frozen);
        release_view(mine_);
        EXPECT_EQ(take_census().blocks_in_use, 0u);
        EXPECT_EQ(validate_memory(), "");
        mine_ = allocate_block(5000).value();
        std::memset(block_data(mine_), 0x11, 5000);
      });
}

// A reclaim begun by one process and interrupted by its death is found by a third, though the place
// says already that its member is dead.
TEST_F(ReclaimKill, OfAReclaimer) {
  run("reclaim reclaimer", [&] {
    leave_dead([] { allocate_block(100).value(); });
    allocate_block(100).value();
    static_cast<void>(lock(header().reclaiming));
    for (Slot slot = 0; slot < kMaxMembers; ++slot) {
      if (slot != self() && find_dead(slot)) return;
    }
  });
}

// Slots are used again at once: what the last member of a slot held is not the next one's.
TEST_F(ReclaimKill, OfManyAfterEachOther) {
  for (int i = 0; i < 200; ++i) {
    leave_dead([] { allocate_block(10'000).value(); });
    if (i % 3 == 0) reclaim_dead();
  }
  expect_all_taken_back();
  EXPECT_LE(member_count(), 8u);
}

}  // namespace
}  // namespace onecopy::memory
