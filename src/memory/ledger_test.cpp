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
    // Only what exists is copied and cleared: make blocks for two words of bits and some.
    while (header().block_count.load() < 150) blocks_.push_back(allocate_block(1).value());
    header().member_high_water.store(4);
  }
  ~LedgerTest() override {
    for (std::uint32_t slot = 0; slot < 4; ++slot) ledger_clear_all(Ledger::blocks, slot);
    for (const BlockIndex block : blocks_) release_block(block);
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
  for (const std::uint32_t block : {0u, 63u, 64u, 149u}) ledger_set(Ledger::blocks, 1, block);
  ledger_set(Ledger::blocks, 2, 5);
  ledger_copy(Ledger::blocks, 1, 2);
  for (const std::uint32_t block : {0u, 5u, 63u, 64u, 149u}) {
    EXPECT_TRUE(ledger_has(Ledger::blocks, 2, block)) << block;
  }
  EXPECT_FALSE(ledger_has(Ledger::blocks, 1, 5));
}

TEST_F(LedgerTest, IsClearedOfAllAtOnce) {
  for (std::uint32_t block = 0; block < 150; ++block) ledger_set(Ledger::blocks, 2, block);
  ledger_set(Ledger::blocks, 1, 7);
  ledger_clear_all(Ledger::blocks, 2);
  for (std::uint32_t block = 0; block < 150; ++block) {
    EXPECT_FALSE(ledger_has(Ledger::blocks, 2, block));
  }
  EXPECT_TRUE(ledger_has(Ledger::blocks, 1, 7));
}

// Two that let go at the same time: at least one of them must find that nobody holds any more.
TEST_F(LedgerTest, ShowsTheLastOneThatItIsTheLast) {
  for (int round = 0; round < 300; ++round) {
    ledger_set(Ledger::blocks, 1, 9);
    ledger_set(Ledger::blocks, 2, 9);
    std::atomic<int> ready{0};
    std::atomic<int> last{0};
    const auto let_go = [&](std::uint32_t slot) {
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
