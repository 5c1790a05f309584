#include "memory/census.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "memory/block.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using os::testing::Shared;

TEST(Census, IsEmptyWithoutAFamily) {
  in_fresh_process([] {
    const Census census = take_census();
    EXPECT_EQ(census.resident, 0u);
    EXPECT_TRUE(census.members.empty());
  });
}

TEST(Census, TellsWhoHoldsWhat) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<std::atomic<bool>> ready;
    const BlockIndex mine = allocate_block(5000).value();
    const pid_t child = start_process([&] {
      allocate_block(100).value();
      allocate_block(100).value();
      *ready = true;
      pause();
    });
    while (!*ready) {
    }
    const Census census = take_census();
    ASSERT_EQ(census.members.size(), 2u);
    EXPECT_EQ(census.members[0].pid, getpid());
    EXPECT_EQ(census.members[0].blocks, 1u);
    EXPECT_EQ(census.members[0].bytes, block_capacity(mine));
    EXPECT_EQ(census.members[1].pid, child);
    EXPECT_TRUE(census.members[1].living);
    EXPECT_EQ(census.members[1].blocks, 2u);
    EXPECT_EQ(census.members[1].bytes, 2u * 4096);
    EXPECT_EQ(census.blocks_in_use, 3u);
    EXPECT_EQ(census.in_use, block_capacity(mine) + 2 * 4096);
    kill_process(child);
    EXPECT_FALSE(take_census().members[1].living) << "dead, and not taken back yet";
  });
}

TEST(Census, CountsThePartsAndWhatIsQueuedOrOnItsWay) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex head = allocate_block(100).value();
    const BlockIndex part = allocate_block(100).value();
    set_owner(part, OwnerWord::part(head));
    EXPECT_EQ(take_census().members[0].blocks, 2u) << "with its head";
    set_owner(head, OwnerWord::putting(self(), 3, 1));
    EXPECT_EQ(take_census().members[0].blocks, 2u);
    set_owner(head, OwnerWord::queued(3));
    EXPECT_EQ(take_census().members[0].blocks, 0u);
    EXPECT_EQ(take_census().queued_blocks, 2u);
    EXPECT_EQ(take_census().queued, 2u * 4096);
    set_owner(head, OwnerWord::taking(self(), 3, 1));
    EXPECT_EQ(take_census().members[0].blocks, 2u);
    EXPECT_EQ(take_census().queued, 0u);
  });
}

TEST(Census, CountsAFrozenBlockWithEachHolder) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex block = allocate_block(100).value();
    retain_view(block);
    const pid_t child = start_process([] { pause(); });
    const Census census = take_census();
    EXPECT_EQ(census.frozen, 4096u);
    EXPECT_EQ(census.in_use, 4096u) << "once";
    EXPECT_EQ(census.members[0].blocks, 1u);
    EXPECT_EQ(census.members[1].blocks, 1u);
    kill_process(child);
  });
}

TEST(Census, NamesTheSmallestLimit) {
  in_fresh_process([] {
    setenv("ONECOPY_MEMORY_LIMIT", "5M", 1);
    ASSERT_TRUE(join_family());
    EXPECT_EQ(take_census().limit, 5u << 20);
    EXPECT_EQ(take_census().limit_name, "ONECOPY_MEMORY_LIMIT");
    header().limit = 0;
    EXPECT_NE(take_census().limit_name, "ONECOPY_MEMORY_LIMIT");
    EXPECT_GT(take_census().limit, 5u << 20);
  });
}

}  // namespace
}  // namespace onecopy::memory
