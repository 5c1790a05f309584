#include "message/envelope.hpp"

#include <array>
#include <cstring>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"

namespace onecopy::message {
namespace {

constexpr Fault kFaults[] = {Fault::none,       Fault::version,     Fault::truncated,
                             Fault::trailing,   Fault::unknown_tag, Fault::too_deep,
                             Fault::bad_length, Fault::bad_block,   Fault::bad_reference};

TEST(Faults, EachHaveASentenceOfTheirOwn) {
  std::set<std::string> sentences;
  for (const Fault fault : kFaults) sentences.insert(describe(fault));

  EXPECT_EQ(sentences.size(), std::size(kFaults));
  EXPECT_EQ(describe(Fault::version, 9),
            "the message was written in format version 9, and this process reads version 1");
}

TEST(Faults, AreCorruptionUnlessTheVersionIsAnother) {
  for (const Fault fault : kFaults) {
    const Failure failure = failure_of(fault);
    const Error expected = fault == Fault::none      ? Error::none
                           : fault == Fault::version ? Error::version_mismatch
                                                     : Error::corrupt;
    EXPECT_EQ(failure.code, expected);
    EXPECT_EQ(failure.message, describe(fault));
  }
}

class OutgoingBlocksTest : public ::testing::Test {
 protected:
  OutgoingBlocksTest() {
    EXPECT_TRUE(memory::join_family());
    before_ = in_use();
  }
  static std::uint64_t in_use() { return memory::take_census().blocks_in_use; }

  std::uint64_t before_ = 0;
};

TEST_F(OutgoingBlocksTest, AreReleasedWithTheListWhenNobodyTookThem) {
  {
    OutgoingBlocks blocks;
    const std::array<char, 100> data{};
    EXPECT_EQ(copy_into_block(blocks, data.data(), data.size()).value(), 0u);
    EXPECT_EQ(copy_into_block(blocks, data.data(), data.size()).value(), 1u);
    EXPECT_EQ(in_use(), before_ + 2);
  }
  EXPECT_EQ(in_use(), before_);
}

TEST_F(OutgoingBlocksTest, BelongToTheChannelOnceDelivered) {
  memory::BlockIndex block = memory::kNoBlock;
  {
    OutgoingBlocks blocks;
    blocks.add(memory::allocate_block(100).value());
    block = blocks.span()[0];
    blocks.delivered();
    EXPECT_TRUE(blocks.span().empty());
  }
  EXPECT_EQ(in_use(), before_ + 1);
  memory::release_block(block);
}

TEST_F(OutgoingBlocksTest, HoldWhatWasCopiedIntoThem) {
  const std::string text(10'000, 'x');
  OutgoingBlocks blocks;

  ASSERT_TRUE(copy_into_block(blocks, text.data(), text.size()));

  const memory::BlockIndex block = blocks.span()[0];
  ASSERT_EQ(memory::block_length(block), text.size());
  EXPECT_EQ(std::memcmp(memory::block_data(block), text.data(), text.size()), 0);
}

TEST_F(OutgoingBlocksTest, AreNoneWhereThereIsNoMemory) {
  OutgoingBlocks blocks;

  const Result<std::uint32_t> block = copy_into_block(blocks, nullptr, std::size_t{1} << 50);

  EXPECT_EQ(block.error(), Error::no_memory);
  EXPECT_TRUE(blocks.span().empty());
  EXPECT_EQ(in_use(), before_);
}

}  // namespace
}  // namespace onecopy::message
