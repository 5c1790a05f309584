// Every case runs in a process of its own, so that all that is left in the end is its own doing.
#include "memory/reference.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "memory/block.hpp"
#include "memory/books.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
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

SharedName make() { return make_shared_block(5000, Purpose::array).value(); }
BlockIndex refer_to(SharedName name) { return make_reference(name).value(); }

void expect_all_free() {
  reclaim_dead();
  EXPECT_EQ(validate_memory(), "");
  EXPECT_EQ(take_census().blocks_in_use, 0u);
  EXPECT_EQ(take_census().shared, 0u);
}

TEST(Reference, HoldsWhatItNames) {
  in_fresh_process([] {
    const SharedName name = make();
    const BlockIndex reference = refer_to(name);
    let_go_shared(name);
    EXPECT_GT(take_census().shared, 0u) << "nobody but the reference holds it";
    EXPECT_EQ(validate_memory(), "");
    EXPECT_EQ(take_reference(reference).value(), name);
    EXPECT_GT(take_census().shared, 0u) << "it is this process's again";
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(Reference, TakesWithItWhatNothingElseHolds) {
  in_fresh_process([] {
    const SharedName name = make();
    const BlockIndex reference = refer_to(name);
    let_go_shared(name);
    release_block(reference);
    expect_all_free();
  });
}

TEST(Reference, IsOneOfSeveral) {
  in_fresh_process([] {
    const SharedName name = make();
    const SharedName other = make();
    const BlockIndex first = refer_to(name);
    const BlockIndex second = refer_to(name);
    const BlockIndex to_other = refer_to(other);
    let_go_shared(name);
    release_block(first);
    EXPECT_TRUE(hold_shared(name)) << "the second holds it";
    let_go_shared(name);
    release_block(second);
    EXPECT_EQ(hold_shared(name).error(), Error::closed);
    EXPECT_EQ(take_reference(to_other).value(), other);
    let_go_shared(other);
    let_go_shared(other);
    expect_all_free();
  });
}

TEST(Reference, LeavesWhatAProcessHolds) {
  in_fresh_process([] {
    const SharedName name = make();
    release_block(refer_to(name));
    EXPECT_TRUE(hold_shared(name));
    let_go_shared(name);
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(Reference, ToABlockInUseAnewDoesNotHoldTheOldOne) {
  in_fresh_process([] {
    const SharedName old = make();
    release_block(refer_to(old));
    let_go_shared(old);
    const SharedName anew = make();
    ASSERT_EQ(anew.block, old.block);
    EXPECT_EQ(block_record(anew.block).references, 0u);
    let_go_shared(anew);
    expect_all_free();
  });
}

TEST(Reference, IsCountedAnewWithTheBooks) {
  in_fresh_process([] {
    const SharedName name = make();
    const SharedName other = make();
    const BlockIndex blocks[] = {refer_to(name), refer_to(other), refer_to(name)};
    for (const SharedName each : {name, other}) block_record(each.block).references = 77;
    EXPECT_NE(validate_memory(), "");
    rebuild_books();
    EXPECT_EQ(block_record(name.block).references, 2u);
    EXPECT_EQ(block_record(other.block).references, 1u);
    EXPECT_EQ(validate_memory(), "");
    for (const BlockIndex block : blocks) release_block(block);
    let_go_shared(name);
    let_go_shared(other);
    expect_all_free();
  });
}

// The free lists use the same words of a record.
TEST(Reference, IsForgottenWithItsBlock) {
  in_fresh_process([] {
    const SharedName name = make();
    const BlockIndex reference = refer_to(name);
    release_block(reference);
    EXPECT_EQ(named_by(reference).block, kNoBlock);
    const BlockIndex data = allocate_block(1).value();
    EXPECT_EQ(data, reference);
    EXPECT_EQ(named_by(data).block, kNoBlock);
    release_block(data);
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(Reference, IsNoBlockOfAnotherKindAndNobodyElses) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    EXPECT_EQ(take_reference(allocate_block(1).value()).error(), Error::corrupt);
    EXPECT_EQ(take_reference(1u << 30).error(), Error::corrupt);
    const SharedName name = make();
    const BlockIndex reference = refer_to(name);
    EXPECT_TRUE(ended_well(
        start_process([&] { EXPECT_EQ(take_reference(reference).error(), Error::corrupt); })));
    EXPECT_EQ(take_reference(reference).value(), name);
    let_go_shared(name);
    let_go_shared(name);
    expect_all_free();
  });
}

TEST(Reference, OutlivesWhoMadeTheShared) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<SharedName> told;
    Shared<std::atomic<int>> stage;
    const pid_t maker = start_process([&] {
      *told = make();
      *stage = 1;
      pause();
    });
    while (*stage == 0) {
    }
    ASSERT_TRUE(hold_shared(*told));
    const BlockIndex reference = refer_to(*told);
    let_go_shared(*told);
    kill_process(maker);
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_GT(take_census().shared, 0u);
    release_block(reference);
    expect_all_free();
  });
}

TEST(Reference, OfAKilledProcessIsFreedWithWhatItNames) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<std::atomic<int>> made;
    const pid_t maker = start_process([&] {
      const SharedName name = make();
      refer_to(name);
      let_go_shared(name);
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

TEST(Reference, IsItsOwnersOnlyAfterAFork) {
  in_fresh_process([] {
    const SharedName name = make();
    const BlockIndex reference = refer_to(name);
    EXPECT_TRUE(ended_well(start_process([&] {
      release_block(reference);  // goes through the motions of its parent
      let_go_shared(name);
    })));
    let_go_shared(name);
    EXPECT_GT(take_census().shared, 0u);
    release_block(reference);
    expect_all_free();
  });
}

}  // namespace
}  // namespace onecopy::memory
