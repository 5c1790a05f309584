// Every case in a process and a family of its own.
#include "memory/books.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "memory/block.hpp"
#include "memory/budget.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "memory/size_class.hpp"
#include "memory/validate.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

// A size class with larger neighbours: below some tens of KiB several share one size.
constexpr std::uint32_t kClass = 40;

template <class Body>
void in_family_of_its_own(Body body) {
  onecopy::testing::in_fresh_process([&] {
    ASSERT_TRUE(join_family());
    body();
    EXPECT_EQ(validate_memory(), "");
  });
}

Result<Taken> try_to_take(std::uint32_t size_class) {
  const os::MemoryLimit room = measure_room();
  return Books().take(size_class, &room);
}

BlockIndex take(std::uint32_t size_class) { return try_to_take(size_class).value().block; }
void put_back(BlockIndex block) { Books().put_back(block); }
BlockIndex take_idle() { return Books().take_idle(~std::uint64_t{0}); }
std::uint32_t class_of_block(BlockIndex block) { return block_record(block).size_class; }

void freed_at(BlockIndex block, std::uint64_t when) { block_record(block).freed_at = when; }

TEST(Books, GiveABlockToWhoTakesItAndTakeItBack) {
  in_family_of_its_own([] {
    const BlockIndex block = take(kClass);
    EXPECT_EQ(owner_of(block), OwnerWord::held(self()));
    EXPECT_EQ(block_capacity(block), class_bytes(kClass));
    put_back(block);
    EXPECT_EQ(owner_of(block), OwnerWord::free());
  });
}

TEST(Books, SayWhichPagesAreAsTheKernelGivesThem) {
  in_family_of_its_own([] {
    const Taken fresh = try_to_take(kClass).value();
    EXPECT_TRUE(fresh.untouched);
    put_back(fresh.block);
    EXPECT_FALSE(try_to_take(kClass).value().untouched) << "somebody had it";
    Books().put_back_cold(fresh.block);
    EXPECT_TRUE(try_to_take(kClass).value().untouched);
    put_back(fresh.block);
  });
}

TEST(Books, GiveTheWarmBlockThatWasFreedLast) {
  in_family_of_its_own([] {
    const BlockIndex first = take(kClass);
    const BlockIndex second = take(kClass);
    const BlockIndex third = take(kClass);
    for (const BlockIndex block : {first, third, second}) put_back(block);
    EXPECT_EQ(take(kClass), second);
    EXPECT_EQ(take(kClass), third);
    EXPECT_EQ(take(kClass), first);
  });
}

TEST(Books, PreferALittleTooLargeWarmBlockToAColdOne) {
  in_family_of_its_own([] {
    const BlockIndex cold = take(kClass);
    const BlockIndex larger = take(kClass + 2);
    const BlockIndex much_larger = take(kClass + 3);
    put_back(cold);
    ASSERT_EQ(take_idle(), cold);
    Books().put_back_cold(cold);
    put_back(much_larger);
    put_back(larger);
    EXPECT_EQ(take(kClass), larger);
    EXPECT_EQ(take(kClass), cold) << "before one that is so much too large";
    EXPECT_EQ(take(kClass + 3), much_larger);
  });
}

TEST(Books, PreferAColdBlockToANewOne) {
  in_family_of_its_own([] {
    const BlockIndex block = take(kClass);
    put_back(block);
    ASSERT_EQ(take_idle(), block);
    Books().put_back_cold(block);
    const std::uint32_t blocks = block_count();
    EXPECT_EQ(take(kClass), block);
    EXPECT_EQ(block_count(), blocks);
    EXPECT_EQ(class_of_block(take(kClass)), kClass);
    EXPECT_EQ(block_count(), blocks + 1);
  });
}

TEST(Books, GiveUpTheBlockThatHasBeenFreeLongest) {
  in_family_of_its_own([] {
    const BlockIndex young = take(kClass);
    const BlockIndex old = take(kClass + 5);
    const BlockIndex middle = take(kClass);
    put_back(middle);
    put_back(old);
    put_back(young);
    freed_at(old, 10);
    freed_at(middle, 20);
    freed_at(young, 30);
    EXPECT_EQ(Books().take_idle(10), kNoBlock) << "freed before, not at";
    EXPECT_EQ(Books().take_idle(30), old) << "of whatever size";
    EXPECT_EQ(owner_of(old), OwnerWord::held(self()));
    EXPECT_EQ(Books().take_idle(30), middle);
    EXPECT_EQ(Books().take_idle(30), kNoBlock);
    EXPECT_EQ(Books().take_idle(31), young);
    EXPECT_EQ(take_idle(), kNoBlock) << "none is left";
  });
}

TEST(Books, CountWhatIsResidentAndWarm) {
  in_family_of_its_own([] {
    const std::uint64_t before = take_census().resident;
    const BlockIndex block = take(kClass);
    const std::uint64_t bytes = block_capacity(block);
    EXPECT_EQ(take_census().resident, before + bytes);
    EXPECT_EQ(take_census().warm, 0u);
    put_back(block);
    EXPECT_EQ(take_census().resident, before + bytes);
    EXPECT_EQ(take_census().warm, bytes);
    ASSERT_EQ(take_idle(), block);
    Books().put_back_cold(block);
    EXPECT_EQ(take_census().resident, before);
    EXPECT_EQ(take_census().warm, 0u);
    EXPECT_EQ(take_census().highest_resident, before + bytes);
  });
}

TEST(Books, RefuseWhatTheTableHasNoRoomFor) {
  in_family_of_its_own([] {
    const std::uint32_t blocks = header().block_count.exchange(kMaxBlocks);
    const auto refused = try_to_take(kClass);
    header().block_count = blocks;
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Error::too_many);
    EXPECT_NE(refused.failure().text().find(std::to_string(kMaxBlocks)), std::string::npos);
  });
}

TEST(Books, RefuseWhatTheAddressSpaceHasNoRoomFor) {
  in_family_of_its_own([] {
    const std::uint64_t end = header().data_end;
    header().data_end = header().capacity - class_bytes(kClass) + 1;
    const auto refused = try_to_take(kClass);
    header().data_end = end;
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Error::no_memory);
    EXPECT_NE(refused.failure().text().find("RLIMIT_AS"), std::string::npos);
  });
}

// What a death in the middle of the books leaves is rebuilt from the owner words.
TEST(Books, AreRebuiltFromTheOwnerWords) {
  in_family_of_its_own([] {
    std::vector<BlockIndex> blocks;
    for (std::uint32_t i = 0; i < 12; ++i) blocks.push_back(take(kClass + i % 3));
    for (std::size_t i = 0; i < 12; i += 2) put_back(blocks[i]);
    const BlockIndex cold = take_idle();
    Books().put_back_cold(cold);
    const Census before = take_census();
    {
      const Books books;
      ArenaHeader& head = header();
      for (auto& list : head.warm_lists) list = {0, 11};
      for (auto& list : head.cold_lists) list = {3, 3};
      head.resident = 1;
      head.warm = 2;
      head.data_end = 3;
      rebuild_books();
      rebuild_books();
    }
    EXPECT_EQ(validate_memory(), "");
    const Census after = take_census();
    EXPECT_EQ(after.in_use, before.in_use);
    EXPECT_EQ(after.warm, before.warm);
    EXPECT_EQ(after.resident, before.resident);
    EXPECT_EQ(block_record(cold).warm, 0u);
  });
}

}  // namespace
}  // namespace onecopy::memory
