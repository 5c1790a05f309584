// A process dies after each instruction of allocating, filling and releasing blocks. Whoever is
// left must find the books sound, what it had itself untouched, and nothing leaked.

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/housekeeping.hpp"
#include "memory/local.hpp"
#include "memory/stream_copy.hpp"
#include "memory/validate.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::kill_at_every_step;
using onecopy::testing::Survivors;

constexpr std::size_t kSmall = 5000;
constexpr std::size_t kLarge = 300'000;

class BlockKill : public ::testing::TestWithParam<Survivors> {
 protected:
  BlockKill() : bytes_(kLarge, std::byte{0x5a}) {
    EXPECT_TRUE(join_family());
    mine_ = allocate_block(kSmall).value();
    std::memset(block_data(mine_), 0x11, kSmall);
    before_ = take_census().in_use;
  }
  ~BlockKill() override { release_block(mine_); }

  // Blocks of these sizes are free and warm afterwards, and no others.
  void make_warm(const std::vector<std::size_t>& sizes) {
    give_back_idle(0);
    std::vector<BlockIndex> blocks;
    for (const std::size_t size : sizes) {
      blocks.push_back(allocate_block(size).value());
      ASSERT_TRUE(fill_block(blocks.back(), 0, bytes_.data(), size));
    }
    for (const BlockIndex block : blocks) release_block(block);
  }

  void expect_survivors_well() {
    if (GetParam() == Survivors::reclaim) {
      EXPECT_EQ(reclaim_dead(), 1u);
      EXPECT_EQ(validate_memory(), "");
      EXPECT_EQ(take_census().in_use, before_);
    }
    for (const std::size_t size : {kSmall, kLarge}) {
      const auto block = allocate_block(size);
      ASSERT_TRUE(block);
      EXPECT_NE(*block, mine_);
      ASSERT_TRUE(fill_block(*block, 0, bytes_.data(), size));
      EXPECT_EQ(std::memcmp(block_data(*block), bytes_.data(), size), 0);
      EXPECT_EQ(validate_memory(), "");
      release_block(*block);
    }
    EXPECT_EQ(std::vector<std::byte>(kSmall, std::byte{0x11}),
              std::vector<std::byte>(block_data(mine_), block_data(mine_) + kSmall));
    reclaim_dead();
    EXPECT_EQ(validate_memory(), "");
    EXPECT_EQ(take_census().in_use, before_);
  }

  template <class Prepare, class Operation>
  void run(const char* name, Prepare prepare, Operation operation) {
    kill_at_every_step({.name = name, .sample = GetParam() == Survivors::reclaim ? 150 : 30},
                       prepare, operation, [this] { expect_survivors_well(); });
  }

  std::vector<std::byte> bytes_;
  BlockIndex mine_ = kNoBlock;
  std::uint64_t before_ = 0;
};

TEST_P(BlockKill, AllocatingANewBlock) {
  // All free ones that would serve are taken first.
  std::vector<BlockIndex> taken;
  const auto count = [] { return block_count(); };
  kill_at_every_step(
      {.name = "allocate, new"},
      [&] {
        const std::uint32_t before = count();
        while (count() == before) taken.push_back(allocate_block(kSmall).value());
      },
      [] { allocate_block(kSmall).value(); },
      [&] {
        for (const BlockIndex block : std::exchange(taken, {})) release_block(block);
        expect_survivors_well();
      });
}

TEST_P(BlockKill, AllocatingAWarmBlock) {
  run(
      "allocate, warm", [&] { make_warm({kSmall, kSmall, kSmall}); },
      [] { allocate_block(kSmall).value(); });
}

TEST_P(BlockKill, AllocatingAColdBlock) {
  run(
      "allocate, cold", [&] { make_warm({kSmall}), give_back_idle(0); },
      [] { allocate_block(kSmall).value(); });
}

TEST_P(BlockKill, FillingAFreshBlock) {
  run(
      "fill, fresh", [&] { make_warm({kLarge}), give_back_idle(0); },
      [&] {
        const auto block = allocate_block(kLarge);
        static_cast<void>(fill_block(*block, 0, bytes_.data(), kLarge));
      });
}

TEST_P(BlockKill, FillingAWarmBlock) {
  run(
      "fill, warm", [&] { make_warm({kLarge}); },
      [&] {
        const auto block = allocate_block(kLarge);
        // Not all of it: each line of a cache is copied as the one before.
        static_cast<void>(fill_block(*block, 0, bytes_.data(), kSmallestStream));
      });
}

TEST_P(BlockKill, Releasing) {
  run(
      "release", [&] { make_warm({kSmall, kSmall}); },
      [] {
        const BlockIndex first = allocate_block(kSmall).value();
        const BlockIndex second = allocate_block(kSmall).value();
        release_block(first);
        release_block(second);
      });
}

TEST_P(BlockKill, ReleasingTheLastView) {
  run(
      "release, view", [&] { make_warm({kSmall}); },
      [] {
        const BlockIndex block = allocate_block(kSmall).value();
        retain_view(block);
        retain_view(block);
        release_view(block);
        release_view(block);
      });
}

TEST_P(BlockKill, GivingBackToTheSystem) {
  run("give back", [&] { make_warm({kSmall, kLarge, kSmall}); }, [] { give_back_idle(0); });
}

INSTANTIATE_TEST_SUITE_P(Survivors, BlockKill,
                         ::testing::Values(Survivors::reclaim, Survivors::go_on),
                         [](const auto& each) {
                           return each.param == Survivors::reclaim ? "Reclaim" : "GoOn";
                         });

}  // namespace
}  // namespace onecopy::memory
