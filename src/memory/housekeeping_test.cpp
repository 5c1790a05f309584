#include "memory/housekeeping.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/validate.hpp"
#include "os/testing_files.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::in_fresh_process;

constexpr std::size_t kBytes = 1 << 20;

BlockIndex make_filled(int value) {
  const BlockIndex block = allocate_block(kBytes).value();
  const std::vector<std::byte> bytes(kBytes, static_cast<std::byte>(value));
  EXPECT_TRUE(fill_block(block, 0, bytes.data(), kBytes));
  return block;
}

std::uint64_t pages_of_the_system() {
  return os::testing::allocated_bytes(local().file.descriptor());
}

// As if a block had been free for that much longer, and nobody had looked for as long.
void let_time_pass(BlockIndex block, os::Nanoseconds length) {
  block_record(block).freed_at -= static_cast<std::uint64_t>(length);
  header().housekept_at.store(0);
}

TEST(Housekeeping, GivesIdlePagesBackToTheSystem) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex block = make_filled(1);
    const std::uint64_t filled = pages_of_the_system();
    release_block(block);
    EXPECT_EQ(pages_of_the_system(), filled) << "kept warm";
    EXPECT_GE(take_census().warm, kBytes);
    give_back_idle(0);
    EXPECT_LE(pages_of_the_system() + kBytes, filled);
    EXPECT_EQ(take_census().warm, 0u);
    EXPECT_EQ(take_census().resident, 0u);
    EXPECT_GE(take_census().highest_resident, kBytes);
    EXPECT_EQ(validate_memory(), "");
  });
}

TEST(Housekeeping, KeepsWhatWasUsedAMomentAgo) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex idle = make_filled(1);
    const BlockIndex recent = make_filled(2);
    release_block(idle);
    release_block(recent);
    let_time_pass(idle, 6 * os::kSecond);
    housekeep();
    EXPECT_EQ(take_census().warm, block_capacity(recent));
    EXPECT_EQ(block_data(recent)[0], std::byte{2});
    EXPECT_EQ(validate_memory(), "");
  });
}

TEST(Housekeeping, IsDoneAtMostOnceASecond) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex block = make_filled(1);
    release_block(block);
    housekeep();
    block_record(block).freed_at -= 6 * os::kSecond;
    housekeep();
    EXPECT_GE(take_census().warm, kBytes) << "looked a moment ago";
    let_time_pass(block, 0);
    housekeep();
    EXPECT_EQ(take_census().warm, 0u);
  });
}

TEST(Housekeeping, LeavesBlocksThatServeAgain) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex block = make_filled(1);
    release_block(block);
    give_back_idle(0);
    EXPECT_EQ(make_filled(2), block);
    EXPECT_EQ(block_data(block)[kBytes - 1], std::byte{2});
    EXPECT_EQ(validate_memory(), "");
  });
}

}  // namespace
}  // namespace onecopy::memory
