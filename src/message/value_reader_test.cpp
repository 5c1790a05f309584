#include "message/value_reader.hpp"

#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "message/testing.hpp"

namespace onecopy::message {
namespace {

using testing::Bytes;
using testing::FakeBlocks;
using testing::Node;

// A body of a good prefix and these bytes.
Bytes body_of(std::initializer_list<int> bytes, std::uint8_t flags = 0) {
  Bytes body{std::byte{kFormatVersion}, std::byte{flags}};
  for (const int byte : bytes) body.push_back(static_cast<std::byte>(byte));
  return body;
}

Fault fault_of(const Bytes& body, const std::vector<std::size_t>& blocks = {}) {
  const FakeBlocks fake(blocks);
  Node node;
  return read_body(body, fake.blocks(), node);
}

int tag(Tag tag, int bits = 0) { return static_cast<int>(tag) | bits; }

TEST(ValueReader, RefusesAnotherVersionByTheNamesOfBoth) {
  const Bytes body{std::byte{9}, std::byte{0}, std::byte{1}};
  ValueReader reader(body, {});
  Item item;

  EXPECT_FALSE(reader.next(item));

  EXPECT_EQ(reader.failure().code, Error::version_mismatch);
  EXPECT_EQ(reader.failure().message,
            "the message was written in format version 9, and this process reads version 1");
}

TEST(ValueReader, RefusesABodyWithoutAValue) {
  EXPECT_EQ(fault_of({}), Fault::truncated);
  EXPECT_EQ(fault_of({std::byte{kFormatVersion}}), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({})), Fault::truncated);
}

TEST(ValueReader, RefusesFlagsItDoesNotKnow) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::none)}, 2)), Fault::unknown_tag);
}

TEST(ValueReader, RefusesTagsThatDoNotExist) {
  for (int byte = 0; byte < 256; ++byte) {
    const int known = byte & kTagMask;
    const bool small_integer = (byte & 0xc0) == kSmallInteger;
    const Fault fault = fault_of(body_of({byte}));
    if (small_integer || (byte >= tag(Tag::none) && byte <= tag(Tag::true_))) {
      EXPECT_EQ(fault, Fault::none) << byte;
    } else if (known == 0 || known > tag(Tag::shared_array)) {
      EXPECT_EQ(fault, Fault::unknown_tag) << byte;
    } else {
      EXPECT_NE(fault, Fault::none) << byte;
    }
  }
}

TEST(ValueReader, RefusesBitsThatATagCannotHave) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::none, kRemember)}, kHasRemembered)), Fault::unknown_tag);
  EXPECT_EQ(fault_of(body_of({tag(Tag::list, kInBlock), 0})), Fault::unknown_tag);
  EXPECT_EQ(fault_of(body_of({tag(Tag::string, kRemember), 0})), Fault::unknown_tag)
      << "the prefix says that nothing is remembered";
  EXPECT_EQ(fault_of(body_of({tag(Tag::string, kRemember), 0}, kHasRemembered)), Fault::none);
}

TEST(ValueReader, RefusesLengthsBeyondTheBody) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::string), 2, 'a'})), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({tag(Tag::bytes), 254, 0xff, 0xff, 0xff, 0x7f})), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({tag(Tag::big_integer), 1})), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({tag(Tag::reals), 1, 0, 0, 0, 0, 0, 0, 0})), Fault::truncated);
}

TEST(ValueReader, RefusesLengthsThatNothingHas) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::string), 255, 0, 0, 0, 0, 0, 0, 0, 0xff})),
            Fault::bad_length);
  EXPECT_EQ(fault_of(body_of({tag(Tag::string), 254, 5, 0, 0, 0, 'a', 'b', 'c', 'd', 'e'})),
            Fault::bad_length)
      << "not the shortest way to write 5";
}

TEST(ValueReader, RefusesCountsThatTheRestCannotHold) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::list), 2, tag(Tag::none)})), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({tag(Tag::dict), 1, tag(Tag::none)})), Fault::truncated);
  // Each count would fit alone; together they promise more than there is.
  EXPECT_EQ(fault_of(body_of({tag(Tag::list), 4, tag(Tag::list), 3, 1, 1, 1})), Fault::truncated);
}

TEST(ValueReader, SaysBeforeAnItemIsReadThatItsCountIsTooLarge) {
  const Bytes body = body_of({tag(Tag::list), 254, 0xff, 0xff, 0xff, 0xff});
  ValueReader reader(body, {});
  Item item;

  EXPECT_FALSE(reader.next(item));
  EXPECT_FALSE(reader.next(item)) << "nothing is read after a fault";
}

TEST(ValueReader, RefusesWhatFollowsTheValue) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::none), tag(Tag::none)})), Fault::trailing);
}

TEST(ValueReader, RefusesToGoTooDeep) {
  Bytes body = body_of({});
  for (std::uint32_t i = 0; i <= kMaximumDepth; ++i) {
    body.push_back(static_cast<std::byte>(Tag::list));
    body.push_back(std::byte{1});
  }
  body.push_back(static_cast<std::byte>(Tag::none));

  EXPECT_EQ(fault_of(body), Fault::too_deep);
}

TEST(ValueReader, TakesBlocksInTheirOrderAndOnceEach) {
  const auto bytes = [](int block, int length) {
    return std::vector<int>{tag(Tag::bytes, kInBlock), block, length};
  };
  const auto pair = [](std::vector<int> first, const std::vector<int>& second) {
    Bytes body = body_of({tag(Tag::tuple), 2});
    first.insert(first.end(), second.begin(), second.end());
    for (const int byte : first) body.push_back(static_cast<std::byte>(byte));
    return body;
  };

  EXPECT_EQ(fault_of(pair(bytes(0, 10), bytes(1, 5)), {10, 5}), Fault::none);
  EXPECT_EQ(fault_of(pair(bytes(1, 5), bytes(0, 10)), {10, 5}), Fault::bad_block);
  EXPECT_EQ(fault_of(pair(bytes(0, 10), bytes(0, 10)), {10, 5}), Fault::bad_block);
  EXPECT_EQ(fault_of(pair(bytes(0, 10), bytes(1, 5)), {10}), Fault::bad_block);
  EXPECT_EQ(fault_of(pair(bytes(0, 10), bytes(1, 5)), {10, 5, 1}), Fault::trailing);
  EXPECT_EQ(fault_of(pair(bytes(0, 11), bytes(1, 5)), {10, 5}), Fault::bad_length);
}

TEST(ValueReader, RefusesPackedNumbersThatTheirBlockCannotHold) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::reals, kInBlock), 0, 2}), {16}), Fault::none);
  EXPECT_EQ(fault_of(body_of({tag(Tag::reals, kInBlock), 0, 3}), {23}), Fault::bad_length);
  EXPECT_EQ(
      fault_of(body_of({tag(Tag::integers, kInBlock), 0, 255, 0, 0, 0, 0, 0, 0, 0, 0x20}), {16}),
      Fault::bad_length)
      << "eight times the count is 0";
}

// An array of this shape in a block, at an offset.
Bytes array_of(ElementType type, const std::vector<std::uint64_t>& shape,
               std::uint64_t offset = 0) {
  ByteBuffer buffer;
  ValueWriter writer(buffer);
  writer.array_in_block({.type = type, .shape = shape}, 0, offset);
  return {buffer.span().begin(), buffer.span().end()};
}

TEST(ValueReader, RefusesShapesThatTheirBlockCannotHold) {
  EXPECT_EQ(fault_of(array_of(ElementType::float64, {3, 4}), {96}), Fault::none);
  EXPECT_EQ(fault_of(array_of(ElementType::float64, {3, 4}), {95}), Fault::bad_length);
  EXPECT_EQ(fault_of(array_of(ElementType::int8, {}), {0}), Fault::bad_length);
}

TEST(ValueReader, RefusesShapesWhoseSizeOverflows) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 33;
  EXPECT_EQ(fault_of(array_of(ElementType::int8, {kHuge, kHuge}), {16}), Fault::bad_length);
  EXPECT_EQ(fault_of(array_of(ElementType::float64, {std::uint64_t{1} << 61}), {16}),
            Fault::bad_length);
  EXPECT_EQ(fault_of(array_of(ElementType::int8, {UINT64_MAX, UINT64_MAX}), {16}),
            Fault::bad_length);
  EXPECT_EQ(fault_of(array_of(ElementType::int8, {0, kHuge, kHuge}), {16}), Fault::bad_length)
      << "empty, but nobody can make a view of it";
}

TEST(ValueReader, RefusesOffsetsOutsideOrAcrossElements) {
  EXPECT_EQ(fault_of(array_of(ElementType::float64, {2}, 16), {32}), Fault::none);
  EXPECT_EQ(fault_of(array_of(ElementType::float64, {2}, 24), {32}), Fault::bad_length);
  EXPECT_EQ(fault_of(array_of(ElementType::float64, {2}, 4), {32}), Fault::bad_length);
  EXPECT_EQ(fault_of(array_of(ElementType::float64, {0}, 40), {32}), Fault::bad_length);
}

TEST(ValueReader, RefusesArraysOfUnknownTypesFlagsAndDimensions) {
  EXPECT_EQ(fault_of(body_of({tag(Tag::array), 15, 0, 0, 0, 0})), Fault::unknown_tag);
  EXPECT_EQ(fault_of(body_of({tag(Tag::array), 0x48, 0, 0, 0, 0})), Fault::unknown_tag)
      << "a long double of another machine";
  EXPECT_EQ(fault_of(body_of({tag(Tag::array), 2, 4, 0, 0, 0})), Fault::unknown_tag);
  EXPECT_EQ(fault_of(body_of({tag(Tag::array), 2, 0, 65, 0, 0})), Fault::bad_length);
  EXPECT_EQ(fault_of(body_of({tag(Tag::array), 2, 0, 64, 0, 0})), Fault::truncated);
}

TEST(ValueReader, GivesASharedArrayAsItLiesInItsBlock) {
  ByteBuffer buffer;
  const FakeBlocks blocks({8});
  ValueWriter writer(buffer);
  const std::uint64_t shape[] = {3, 2};
  const std::int64_t strides[] = {-48, 4};
  writer.shared_array({.type = ElementType::int16, .read_only = true, .shape = shape}, strides, 0,
                      5000);

  ValueReader reader(buffer.span(), blocks.blocks());
  Item item;
  ASSERT_TRUE(reader.next(item));

  EXPECT_EQ(item.tag, Tag::shared_array);
  EXPECT_EQ(item.data_type, ElementType::int16);
  EXPECT_EQ(item.dimensions, 2);
  EXPECT_EQ(item.count, 6u);
  EXPECT_EQ(item.extent(0), 3u);
  EXPECT_EQ(item.stride(0), -48);
  EXPECT_EQ(item.stride(1), 4);
  EXPECT_TRUE(item.read_only);
  EXPECT_EQ(item.offset, 5000u) << "in the shared block, which only its reference knows";
  EXPECT_EQ(item.block, blocks.blocks().indices[0]);
  EXPECT_TRUE(reader.finish());
}

TEST(ValueReader, RefusesSharedArraysWithoutAReferenceOrWithoutTheirStrides) {
  const auto single = [](int flags, int reference) {
    return body_of({tag(Tag::shared_array), 2, flags, 0, reference, 0});
  };
  EXPECT_EQ(fault_of(single(0, 0), {8}), Fault::none);
  EXPECT_EQ(fault_of(single(0, 0), {}), Fault::bad_block);
  EXPECT_EQ(fault_of(single(0, 1), {8}), Fault::bad_block);
  EXPECT_EQ(fault_of(single(1, 0), {8}), Fault::unknown_tag) << "strides say the order";
  EXPECT_EQ(fault_of(body_of({tag(Tag::shared_array, kInBlock), 2, 0, 0, 0, 0}), {8}),
            Fault::unknown_tag);
  EXPECT_EQ(fault_of(body_of({tag(Tag::shared_array), 2, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}), {8}),
            Fault::truncated);
}

TEST(ValueReader, RefusesRecordsOfImpossibleSizes) {
  const auto record = [](std::initializer_list<int> sizes) {
    Bytes body = body_of({tag(Tag::record, kInBlock), 1, 2, 3, 4, 5, 6, 7, 8});
    for (const int byte : sizes) body.push_back(static_cast<std::byte>(byte));
    return body;
  };
  EXPECT_EQ(fault_of(record({8, 2, 0}), {16}), Fault::none);
  EXPECT_EQ(fault_of(record({8, 3, 0}), {16}), Fault::bad_length);
  EXPECT_EQ(fault_of(record({0, 3, 0}), {16}), Fault::bad_length);
  EXPECT_EQ(fault_of(record({254, 0, 0, 0, 0x80, 255, 0, 0, 0, 0, 2, 0, 0, 0, 0}), {16}),
            Fault::bad_length)
      << "the product overflows";
}

TEST(ValueReader, RefusesReferencesToWhatIsNotComplete) {
  const int list = tag(Tag::list, kRemember);
  const int string = tag(Tag::string, kRemember);
  const int reference = tag(Tag::reference);

  EXPECT_EQ(fault_of(body_of({reference, 0}, kHasRemembered)), Fault::bad_reference);
  EXPECT_EQ(fault_of(body_of({list, 1, reference, 0}, kHasRemembered)), Fault::bad_reference)
      << "the list itself is still being read";
  EXPECT_EQ(fault_of(body_of({list, 2, string, 0, reference, 1}, kHasRemembered)),
            Fault::bad_reference);
  EXPECT_EQ(fault_of(body_of({list, 2, string, 0, reference, 0}, kHasRemembered)), Fault::none);
}

TEST(ValueReader, ReadsAValueAgainWithoutCountingItTwice) {
  const Bytes body =
      body_of({tag(Tag::tuple), 3, tag(Tag::list, kRemember), 1, tag(Tag::string, kRemember), 1,
               'x', tag(Tag::reference), 1, tag(Tag::reference), 0},
              kHasRemembered);
  ValueReader reader(body, {});
  Item tuple, list, item;
  ASSERT_TRUE(reader.next(tuple));
  const std::size_t position = reader.position();
  ASSERT_TRUE(reader.next(list) && reader.next(item));
  reader.leave(list);

  ValueReader again = ValueReader::again(reader, position);
  ASSERT_TRUE(again.next(list));
  EXPECT_EQ(list.tag, Tag::list);
  ASSERT_TRUE(again.next(item));
  EXPECT_EQ(item.tag, Tag::string);
  again.leave(list);
  EXPECT_TRUE(again.complete());

  ASSERT_TRUE(reader.next(item));
  EXPECT_EQ(item.count, 1u);
  ASSERT_TRUE(reader.next(item));
  reader.leave(tuple);
  EXPECT_TRUE(reader.finish());
}

}  // namespace
}  // namespace onecopy::message
