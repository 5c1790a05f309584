#include "message/value_writer.hpp"

#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "message/testing.hpp"
#include "testing/seed.hpp"

namespace onecopy::message {
namespace {

using testing::FakeBlocks;
using testing::Node;
using testing::random_node;

// What a value becomes on its way.
Node sent(const Node& node) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  ValueWriter writer(buffer);
  write_node(writer, blocks, node);
  EXPECT_FALSE(buffer.failed());
  Node read;
  EXPECT_EQ(read_body(buffer.span(), blocks.blocks(), read), Fault::none);
  return read;
}

std::size_t length_of(const Node& node) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  ValueWriter writer(buffer);
  write_node(writer, blocks, node);
  return buffer.size();
}

TEST(ValueWriter, SendsEveryInteger) {
  std::vector<std::int64_t> integers;
  for (int bit = 0; bit < 64; ++bit) {
    for (int around = -2; around <= 2; ++around) {
      const auto value = (std::uint64_t{1} << bit) + static_cast<std::uint64_t>(around);
      integers.push_back(static_cast<std::int64_t>(value));
      integers.push_back(static_cast<std::int64_t>(0 - value));
    }
  }
  for (const std::int64_t value : integers) {
    const Node node{.tag = Tag::integer, .integer = value};
    EXPECT_EQ(sent(node), node) << value;
  }
}

TEST(ValueWriter, SendsSmallThingsInFewBytes) {
  EXPECT_EQ(length_of({.tag = Tag::none}), 3u);
  EXPECT_EQ(length_of({.tag = Tag::integer, .integer = 63}), 3u);
  EXPECT_EQ(length_of({.tag = Tag::integer, .integer = -100}), 4u);
  EXPECT_EQ(length_of({.tag = Tag::integer, .integer = 1'000'000}), 7u);
  EXPECT_EQ(length_of({.tag = Tag::real, .real = 0.1}), 11u);
  EXPECT_EQ(length_of({.tag = Tag::string, .data = "name"}), 8u);
}

TEST(ValueWriter, SendsRandomNestedValues) {
  testing::Random random = onecopy::testing::random_for("values");
  for (int round = 0; round < 3000; ++round) {
    std::uint32_t remembered = 0;
    const Node node = random_node(random, 1 + testing::up_to(random, 120), 0, remembered);
    ASSERT_EQ(sent(node), node) << "round " << round;
  }
}

TEST(ValueWriter, NumbersWhatIsRememberedWhenItIsComplete) {
  ByteBuffer buffer;
  ValueWriter writer(buffer);

  writer.open_list(3, true);
  writer.string("first", true);
  EXPECT_EQ(writer.remembered(), 1u);
  writer.open_tuple(0, true);
  EXPECT_EQ(writer.remembered(), 1u);
  writer.close(true);
  EXPECT_EQ(writer.remembered(), 2u);
  writer.reference(1);
  writer.close(true);
  EXPECT_EQ(writer.remembered(), 3u);
}

TEST(ValueWriter, AlignsTheDataOfArraysInTheBody) {
  for (std::size_t before = 0; before < 40; ++before) {
    ByteBuffer buffer;
    ValueWriter writer(buffer);
    writer.open_list(2);
    writer.string(std::string(before, 'x'));
    const std::uint64_t shape[] = {3};
    const std::byte* place =
        writer.array_inline({.type = ElementType::float64, .shape = shape}, 24);
    EXPECT_EQ((place - buffer.data()) % 16, 0) << before;
    writer.close();
  }
}

TEST(ValueWriter, SendsAnEmptyArrayAndOneWithoutDimensions) {
  const Node empty{.tag = Tag::array, .type = ElementType::int64, .shape = {0, 7}};
  const Node single{.tag = Tag::array, .data = "12345678", .type = ElementType::float64};

  EXPECT_EQ(sent(empty), empty);
  EXPECT_EQ(sent(single), single);
}

TEST(ValueWriter, NestsAsDeepAsTheLimit) {
  ByteBuffer buffer;
  ValueWriter writer(buffer);
  for (std::uint32_t i = 0; i < kMaximumDepth; ++i) writer.open_list(1);
  writer.none();
  for (std::uint32_t i = 0; i < kMaximumDepth; ++i) writer.close();

  Node node;
  EXPECT_EQ(read_body(buffer.span(), {}, node), Fault::none);
}

}  // namespace
}  // namespace onecopy::message
