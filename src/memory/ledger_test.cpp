#include "memory/ledger.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "memory/block.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"

namespace onecopy::memory {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    EXPECT_TRUE(join_family());
    // Only what exists is copied: make blocks for two words of bits and some.
    while (block_count() < 150) blocks_.push_back(allocate_block(1).value());
    header().member_high_water.store(4);
  }
  ~LedgerTest() override {
    for (const BlockIndex block : blocks_) {
      for (Slot slot = 0; slot < 4; ++slot) ledger_clear(Ledger::blocks, slot, block);
      release_block(block);
    }
  }

  std::vector<BlockIndex> blocks_;
};

TEST_F(LedgerTest, KeepsABitOfEachMemberAndThing) {
  ledger_set(Ledger::blocks, 1, 70);
  EXPECT_TRUE(ledger_has(Ledger::blocks, 1, 70));
  EXPECT_FALSE(ledger_has(Ledger::blocks, 1, 69));
  EXPECT_FALSE(ledger_has(Ledger::blocks, 1, 71));
  EXPECT_FALSE(ledger_has(Ledger::blocks, 2, 70));
  EXPECT_FALSE(ledger_has(Ledger::channels, 1, 70));
  ledger_clear(Ledger::blocks, 1, 70);
  EXPECT_FALSE(ledger_has(Ledger::blocks, 1, 70));
}

TEST_F(LedgerTest, TellsWhetherAnybodyHolds) {
  EXPECT_FALSE(ledger_held_by_anyone(Ledger::blocks, 64));
  ledger_set(Ledger::blocks, 3, 64);
  EXPECT_TRUE(ledger_held_by_anyone(Ledger::blocks, 64));
  ledger_set(Ledger::blocks, 0, 64);
  ledger_clear(Ledger::blocks, 3, 64);
  EXPECT_TRUE(ledger_held_by_anyone(Ledger::blocks, 64));
  ledger_clear(Ledger::blocks, 0, 64);
  EXPECT_FALSE(ledger_held_by_anyone(Ledger::blocks, 64));
}

TEST_F(LedgerTest, IsCopiedForAChildWithoutTakingAnythingFromIt) {
  for (const BlockIndex block : {0u, 63u, 64u, 149u}) ledger_set(Ledger::blocks, 1, block);
  ledger_set(Ledger::blocks, 2, 5);
  ledger_copy(Ledger::blocks, 1, 2);
  for (const BlockIndex block : {0u, 5u, 63u, 64u, 149u}) {
    EXPECT_TRUE(ledger_has(Ledger::blocks, 2, block)) << block;
  }
  EXPECT_FALSE(ledger_has(Ledger::blocks, 1, 5));
}

// Two that let go at the same time: at least one of them must find that nobody holds any more.
TEST_F(LedgerTest, ShowsTheLastOneThatItIsTheLast) {
  for (int round = 0; round < 300; ++round) {
    ledger_set(Ledger::blocks, 1, 9);
    ledger_set(Ledger::blocks, 2, 9);
    std::atomic<int> ready{0};
    std::atomic<int> last{0};
    const auto let_go = [&](Slot slot) {
      ++ready;
      while (ready != 2) {
      }
      ledger_clear(Ledger::blocks, slot, 9);
      if (!ledger_held_by_anyone(Ledger::blocks, 9)) ++last;
    };
    std::thread other(let_go, 1);
    let_go(2);
    other.join();
    ASSERT_GE(last, 1);
  }
}

}  // namespace
}  // namespace onecopy::memory
