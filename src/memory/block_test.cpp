#include "memory/block.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/housekeeping.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "memory/size_class.hpp"
#include "memory/validate.hpp"
#include "testing/fresh_process.hpp"
#include "testing/seed.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::start_process;

constexpr std::size_t kMegabyte = 1 << 20;

// Every case in a process and a family of its own.
template <class Body>
void in_family_of_its_own(Body body) {
  in_fresh_process([&] {
    ASSERT_TRUE(join_family());
    body();
    EXPECT_EQ(validate_memory(), "");
  });
}

TEST(Block, HasRoomForWhatWasAskedFor) {
  in_family_of_its_own([] {
    for (const std::size_t bytes : {0ul, 1ul, 4095ul, 4096ul, 4097ul, 100'000ul, 5'000'000ul}) {
      const BlockIndex block = allocate_block(bytes).value();
      EXPECT_EQ(block_length(block), bytes);
      EXPECT_GE(block_capacity(block), bytes);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block_data(block)) % 4096, 0u);
      std::memset(block_data(block), 0xff, bytes);
      release_block(block);
    }
  });
}

TEST(Block, IsTheOneFreedLast) {
  in_family_of_its_own([] {
    const BlockIndex first = allocate_block(5000).value();
    const BlockIndex second = allocate_block(5000).value();
    release_block(first);
    release_block(second);
    EXPECT_EQ(allocate_block(5000).value(), second);
    EXPECT_EQ(allocate_block(5000).value(), first);
  });
}

TEST(Block, OfALittleMoreRoomServesWhileItIsWarm) {
  in_family_of_its_own([] {
    const BlockIndex larger = allocate_block(class_bytes(10)).value();
    release_block(larger);
    EXPECT_EQ(allocate_block(class_bytes(9)).value(), larger);
    release_block(larger);
    EXPECT_NE(allocate_block(class_bytes(2)).value(), larger) << "not one twice too large";
  });
}

TEST(Block, KeepsWhatIsFilledInHoweverItComes) {
  in_family_of_its_own([] {
    std::vector<std::byte> bytes(3 * kMegabyte);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(i * 7 + i / 999);
    // Fresh pages, then warm ones, then such as were given back; whole, and in pieces.
    for (int round = 0; round < 4; ++round) {
      const BlockIndex block = allocate_block(bytes.size()).value();
      const std::size_t piece = round % 2 == 0 ? bytes.size() : 700'000;
      for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const std::size_t count = std::min(piece, bytes.size() - at);
        ASSERT_TRUE(fill_block(block, at, bytes.data() + at, count));
      }
      EXPECT_EQ(std::memcmp(block_data(block), bytes.data(), bytes.size()), 0) << round;
      release_block(block);
      if (round == 1) give_back_idle(0);
    }
  });
}

TEST(Block, IsSeenByAnotherProcessAsItWasFilled) {
  in_family_of_its_own([] {
    const std::vector<std::byte> bytes(kMegabyte, std::byte{5});
    for (int round = 0; round < 3; ++round) {
      const BlockIndex block = allocate_block(kMegabyte).value();
      ASSERT_TRUE(fill_block(block, 0, bytes.data(), kMegabyte));
      EXPECT_TRUE(ended_well(start_process([&] {
        EXPECT_EQ(std::memcmp(block_data(block), bytes.data(), kMegabyte), 0);
        std::memset(block_data(block), 6, kMegabyte);
      })));
      EXPECT_EQ(block_data(block)[kMegabyte - 1], std::byte{6});
      release_block(block);
    }
  });
}

TEST(Block, IsFoundByAnAddressInIt) {
  in_family_of_its_own([] {
    std::vector<BlockIndex> blocks;
    for (int i = 0; i < 20; ++i) blocks.push_back(allocate_block(4096 * (i % 5 + 1)).value());
    for (const BlockIndex block : blocks) {
      EXPECT_EQ(block_at(block_data(block)), block);
      EXPECT_EQ(block_at(block_data(block) + block_capacity(block) - 1), block);
    }
    release_block(blocks[3]);
    EXPECT_EQ(block_at(block_data(blocks[3])), kNoBlock) << "nobody holds it";
    int here = 0;
    EXPECT_EQ(block_at(&here), kNoBlock);
    EXPECT_EQ(block_at(nullptr), kNoBlock);
    EXPECT_EQ(block_at(block_data(blocks.back()) + block_capacity(blocks.back())), kNoBlock);
  });
}

TEST(Block, IsReleasedWithItsLastView) {
  in_family_of_its_own([] {
    const BlockIndex block = allocate_block(100).value();
    retain_view(block);
    retain_view(block);
    EXPECT_EQ(view_count(block), 2u);
    EXPECT_FALSE(surrender_view(block)) << "there is another";
    release_view(block);
    EXPECT_EQ(take_census().blocks_in_use, 1u);
    release_view(block);
    EXPECT_EQ(take_census().blocks_in_use, 0u);
  });
}

TEST(Block, IsKeptWhenItsOnlyViewIsSurrendered) {
  in_family_of_its_own([] {
    const BlockIndex block = allocate_block(100).value();
    retain_view(block);
    EXPECT_TRUE(surrender_view(block));
    EXPECT_EQ(view_count(block), 0u);
    EXPECT_EQ(owner_of(block), OwnerWord::held(self()));
    release_block(block);
  });
}

// A child goes through the motions of its parent: destructors run on both sides of a fork.
TEST(Block, OfTheParentIsNotReleasedByAChild) {
  in_family_of_its_own([] {
    const BlockIndex block = allocate_block(100).value();
    EXPECT_TRUE(ended_well(start_process([&] { release_block(block); })));
    EXPECT_EQ(owner_of(block), OwnerWord::held(self()));
    release_block(block);
    EXPECT_EQ(take_census().blocks_in_use, 0u);
  });
}

TEST(Block, AboveTheLimitIsRefusedByName) {
  in_fresh_process([] {
    setenv("ONECOPY_MEMORY_LIMIT", "16M", 1);
    ASSERT_TRUE(join_family());
    const BlockIndex first = allocate_block(10 * kMegabyte).value();
    const auto refused = allocate_block(10 * kMegabyte);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Error::no_memory);
    EXPECT_NE(refused.failure().text().find("ONECOPY_MEMORY_LIMIT"), std::string::npos);
    EXPECT_NE(refused.failure().text().find("6 MiB"), std::string::npos)
        << refused.failure().text();
    release_block(first);
    EXPECT_TRUE(allocate_block(10 * kMegabyte));
    EXPECT_EQ(validate_memory(), "");
  });
}

TEST(Block, OfAnotherSizeMakesRoomUnderALimit) {
  in_fresh_process([] {
    setenv("ONECOPY_MEMORY_LIMIT", "16M", 1);
    ASSERT_TRUE(join_family());
    release_block(allocate_block(10 * kMegabyte).value());
    // Warm pages of one size stand in the way of another, until they are given back.
    const BlockIndex block = allocate_block(15 * kMegabyte).value();
    EXPECT_EQ(take_census().warm, 0u);
    release_block(block);
    EXPECT_EQ(validate_memory(), "");
  });
}

TEST(Block, ThatTheDeadHeldMakesRoomUnderALimit) {
  in_fresh_process([] {
    setenv("ONECOPY_MEMORY_LIMIT", "16M", 1);
    ASSERT_TRUE(join_family());
    EXPECT_TRUE(ended_well(start_process([] { allocate_block(10 * kMegabyte).value(); })));
    EXPECT_TRUE(allocate_block(15 * kMegabyte));
    EXPECT_EQ(validate_memory(), "");
  });
}

TEST(Block, OfNoSizeThatThereIsIsRefused) {
  in_family_of_its_own([] {
    const auto refused = allocate_block(~std::size_t{0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Error::no_memory);
    EXPECT_EQ(allocate_block(std::size_t{1} << 50).error(), Error::no_memory);
  });
}

// Processes and threads allocate, fill, check and release at random; nobody finds another's bytes.
TEST(Block, IsOnesOwnUnderLoad) {
  in_family_of_its_own([] {
    const auto work = [](const char* name) {
      auto random = onecopy::testing::random_for(name);
      const auto mark = static_cast<int>(random() % 200 + 1);
      std::vector<BlockIndex> mine;
      for (int i = 0; i < 4000; ++i) {
        if (mine.size() < 20 && random() % 2 == 0) {
          mine.push_back(allocate_block(random() % 40'000 + 1).value());
          std::memset(block_data(mine.back()), mark, block_length(mine.back()));
        } else if (!mine.empty()) {
          std::swap(mine[random() % mine.size()], mine.back());
          const BlockIndex block = mine.back();
          const std::byte* const data = block_data(block);
          for (std::size_t at = 0; at < block_length(block); at += 97) {
            ASSERT_EQ(data[at], static_cast<std::byte>(mark));
          }
          release_block(block);
          mine.pop_back();
        }
      }
      for (const BlockIndex block : mine) release_block(block);
    };
    const pid_t first = start_process([&] { work("load, process 1"); });
    const pid_t second = start_process([&] { work("load, process 2"); });
    std::thread thread([&] { work("load, thread"); });
    work("load, main");
    thread.join();
    EXPECT_TRUE(ended_well(first));
    EXPECT_TRUE(ended_well(second));
    EXPECT_EQ(take_census().blocks_in_use, 0u);
  });
}

}  // namespace
}  // namespace onecopy::memory
