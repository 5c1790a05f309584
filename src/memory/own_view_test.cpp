// Every case runs in a process of its own, so that all that is left in the end is its own doing.
#include "memory/own_view.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::start_process;

constexpr std::size_t kBytes = 50'000;
constexpr std::byte kTheirs{7};
constexpr std::byte kMine{8};

SharedName make() {
  const BlockIndex block = allocate_block(kBytes).value();
  std::memset(block_data(block), static_cast<int>(kTheirs), kBytes);
  return share_block(block, Purpose::array);
}

void expect_all_free(SharedName name) {
  let_go_shared(name);
  reclaim_dead();
  EXPECT_EQ(validate_memory(), "");
  EXPECT_EQ(take_census().blocks_in_use, 0u);
}

TEST(OwnView, StartsOutAsTheBlockAndIsNobodyElses) {
  in_fresh_process([] {
    const SharedName name = make();
    std::byte* const first = map_own_view(name).value();
    std::byte* const second = map_own_view(name).value();
    EXPECT_EQ(first[0], kTheirs);
    EXPECT_EQ(first[kBytes - 1], kTheirs);
    first[kBytes / 2] = kMine;
    EXPECT_EQ(first[kBytes / 2], kMine);
    EXPECT_EQ(second[kBytes / 2], kTheirs);
    EXPECT_EQ(block_data(name.block)[kBytes / 2], kTheirs);
    unmap_own_view(first, name);
    unmap_own_view(second, name);
    expect_all_free(name);
  });
}

TEST(OwnView, BelongsToEachSideOfAFork) {
  in_fresh_process([] {
    const SharedName name = make();
    std::byte* const view = map_own_view(name).value();
    EXPECT_TRUE(ended_well(start_process([&] {
      EXPECT_EQ(view[0], kTheirs);
      view[0] = kMine;
      EXPECT_EQ(block_data(name.block)[0], kTheirs);
    })));
    EXPECT_EQ(view[0], kTheirs);
    unmap_own_view(view, name);
    expect_all_free(name);
  });
}

TEST(OwnView, NeedsTheDescriptorOfTheArena) {
  in_fresh_process([] {
    const SharedName name = make();
    close(family_descriptor().value());
    EXPECT_EQ(map_own_view(name).error(), Error::closed);
    expect_all_free(name);
  });
}

}  // namespace
}  // namespace onecopy::memory
