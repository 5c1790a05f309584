// Every case runs in a process of its own, so that all that is left in the end is its own doing.
#include "memory/shared.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/housekeeping.hpp"
#include "memory/local.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using os::testing::Shared;

constexpr std::size_t kBytes = 5000;

SharedName make() { return make_shared_block(kBytes, Purpose::data).value(); }

std::atomic<std::uint32_t>& word_of(SharedName name) {
  return *reinterpret_cast<std::atomic<std::uint32_t>*>(block_data(name.block));
}

void expect_all_free() {
  reclaim_dead();
  EXPECT_EQ(validate_memory(), "");
  EXPECT_EQ(take_census().blocks_in_use, 0u);
  EXPECT_EQ(take_census().shared, 0u);
}

TEST(SharedBlock, IsZeroWhateverWasInItsPagesBefore) {
  in_fresh_process([] {
    const BlockIndex used = allocate_block(kBytes).value();
    std::memset(block_data(used), 0xff, kBytes);
    release_block(used);
    const SharedName name = make();
    EXPECT_EQ(name.block, used) << "warm, last freed first";
    for (std::size_t i = 0; i < kBytes; ++i) ASSERT_EQ(block_data(name.block)[i], std::byte{0});
    EXPECT_EQ(take_census().shared, block_capacity(name.block));
    let_go_shared(name);
    expect_all_free();
  });
}

// Bytes that the kernel has set aside for the arena.
std::uint64_t taken_from_kernel() {
  struct stat file{};
  EXPECT_EQ(fstat(arena_descriptor(), &file), 0);
  return static_cast<std::uint64_t>(file.st_blocks) * 512;
}

void expect_zeros(SharedName name, std::size_t bytes) {
  const std::byte* data = block_data(name.block);
  EXPECT_TRUE(std::all_of(data, data + bytes, [](std::byte byte) { return byte == std::byte{0}; }));
}

constexpr std::size_t kLarge = std::size_t{8} << 20;

TEST(SharedBlock, TakesNoMemoryBeforeItIsWrittenTo) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const std::uint64_t before = taken_from_kernel();
    const SharedName name = make_shared_block(kLarge, Purpose::data).value();
    EXPECT_LT(taken_from_kernel() - before, kLarge / 8) << "the tables may grow";
    expect_zeros(name, kLarge);
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(SharedBlock, TakesNoMemoryWhereItsPagesWentBackToTheKernel) {
  in_fresh_process([] {
    const BlockIndex used = allocate_block(kLarge).value();
    std::memset(block_data(used), 0xff, kLarge);
    release_block(used);
    give_back_idle(0);
    const std::uint64_t before = taken_from_kernel();
    const SharedName name = make_shared_block(kLarge, Purpose::data).value();
    EXPECT_EQ(name.block, used);
    EXPECT_LT(taken_from_kernel() - before, kLarge / 8) << "the tables may grow";
    expect_zeros(name, kLarge);
    let_go_shared(name);
    expect_all_free();
  });
}

// Whoever fills a fresh block piece by piece may give up, or die, when it is filled half.
TEST(SharedBlock, IsZeroWhereItsPagesWereBegunToBeFilled) {
  in_fresh_process([] {
    const std::vector<std::byte> piece(kLarge / 2, std::byte{0xff});
    const BlockIndex begun = allocate_block(kLarge).value();
    ASSERT_TRUE(fill_block(begun, 0, piece.data(), piece.size()));
    release_block(begun);
    const SharedName name = make_shared_block(kLarge, Purpose::data).value();
    EXPECT_EQ(name.block, begun);
    expect_zeros(name, kLarge);
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(SharedBlock, ServesForAnythingAfterItWasWrittenTo) {
  in_fresh_process([] {
    const SharedName first = make_shared_block(kLarge, Purpose::data).value();
    std::memset(block_data(first.block), 0x11, kLarge);
    let_go_shared(first);

    const std::vector<std::byte> message(kLarge, std::byte{0x22});
    const BlockIndex data = allocate_block(kLarge).value();
    EXPECT_EQ(data, first.block);
    ASSERT_TRUE(fill_block(data, 0, message.data(), message.size()));
    EXPECT_EQ(std::memcmp(block_data(data), message.data(), message.size()), 0);
    release_block(data);

    const SharedName second = make_shared_block(kLarge, Purpose::data).value();
    EXPECT_EQ(second.block, first.block);
    expect_zeros(second, kLarge);
    let_go_shared(second);
    expect_all_free();
  });
}

TEST(SharedBlock, KeepsWhatWasInTheBlockThatIsShared) {
  in_fresh_process([] {
    const BlockIndex block = allocate_block(kBytes).value();
    std::memset(block_data(block), 0x33, kBytes);
    const SharedName name = share_block(block, Purpose::data);
    EXPECT_EQ(name.block, block);
    EXPECT_EQ(block_data(block)[kBytes - 1], std::byte{0x33});
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(SharedBlock, IsTheSameForBothSidesOfAFork) {
  in_fresh_process([] {
    const SharedName name = make();
    const pid_t child = start_process([&] {
      word_of(name) = 7;
      let_go_shared(name);
    });
    EXPECT_TRUE(ended_well(child));
    EXPECT_EQ(word_of(name), 7u);
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(SharedBlock, OutlivesWhoMadeIt) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<SharedName> told;
    Shared<std::atomic<int>> stage;
    const pid_t maker = start_process([&] {
      *told = make();
      word_of(*told) = 9;
      *stage = 1;
      while (*stage == 1) {
      }
      let_go_shared(*told);
    });
    while (*stage == 0) {
    }
    ASSERT_TRUE(hold_shared(*told));
    *stage = 2;
    EXPECT_TRUE(ended_well(maker));
    EXPECT_EQ(word_of(*told), 9u);
    let_go_shared(*told);
    expect_all_free();
  });
}

TEST(SharedBlock, IsHeldByAProcessUntilItsLastHandle) {
  in_fresh_process([] {
    const SharedName name = make();
    ASSERT_TRUE(hold_shared(name));
    let_go_shared(name);
    ASSERT_TRUE(hold_shared(name)) << "one handle was left";
    let_go_shared(name);
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(SharedBlock, IsGoneUnderItsNameAfterItsLastHolder) {
  in_fresh_process([] {
    const SharedName name = make();
    let_go_shared(name);
    EXPECT_EQ(hold_shared(name).error(), Error::closed);
    const SharedName next = make();
    EXPECT_EQ(next.block, name.block);
    EXPECT_EQ(hold_shared(name).error(), Error::closed) << "the block has another name now";
    EXPECT_EQ(hold_shared({1u << 30, 1}).error(), Error::closed) << "there is no such block";
    let_go_shared(next);
    expect_all_free();
  });
}

TEST(SharedBlock, IsFreedWhenItsLastHolderWasKilled) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<std::atomic<int>> made;
    const pid_t maker = start_process([&] {
      make();
      *made = 1;
      pause();
    });
    while (*made == 0) {
    }
    EXPECT_GT(take_census().shared, 0u);
    kill_process(maker);
    expect_all_free();
  });
}

TEST(SharedBlock, IsHeldForAChildThatIsYetToStart) {
  in_fresh_process([] {
    const SharedName name = make();
    const Ticket place = reserve_place().value();
    hold_shared_for(name, place.slot);
    let_go_shared(name);
    EXPECT_GT(take_census().shared, 0u) << "the child holds it";
    release_place(place);
    expect_all_free();
  });
}

TEST(SharedBlock, IsVisitedByItsPurpose) {
  in_fresh_process([] {
    const SharedName data = make();
    const SharedName lock = make_shared_block(kBytes, Purpose::lock).value();
    for_each_shared(
        Purpose::lock,
        [](std::byte* found, const void* context) {
          *reinterpret_cast<std::uint32_t*>(found) += *static_cast<const std::uint32_t*>(context);
        },
        &kBytes);
    EXPECT_EQ(word_of(lock), kBytes);
    EXPECT_EQ(word_of(data), 0u);
    let_go_shared(data);
    let_go_shared(lock);
    expect_all_free();
  });
}

}  // namespace
}  // namespace onecopy::memory
