#include "message/body_cursor.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "message/byte_buffer.hpp"
#include "message/testing.hpp"

namespace onecopy::message {
namespace {

using testing::FakeBlocks;

constexpr std::uint8_t kKnownFlag = 0x01;

// What the readers of this room see of the cursor.
class Cursor : public BodyCursor {
 public:
  explicit Cursor(const ByteBuffer& body, Blocks blocks = {})
      : BodyCursor(body.span(), blocks, kKnownFlag) {}
  explicit Cursor(std::span<const std::byte> body) : BodyCursor(body, {}, kKnownFlag) {}

  using BodyCursor::finish;
  using BodyCursor::name_block;
  using BodyCursor::take_bytes;
  using BodyCursor::take_padding;
  using BodyCursor::take_plain;
  using BodyCursor::take_size;
};

// A body that begins with a good prefix.
struct Body : ByteBuffer {
  explicit Body(std::uint8_t flags = 0) {
    append_byte(kFormatVersion);
    append_byte(flags);
  }
};

Fault fault_of(const Cursor& cursor) { return cursor.fault(); }

TEST(BodyCursor, TakesThePrefixFirst) {
  Body good(kKnownFlag);
  good.append_byte(7);
  Cursor cursor(good);
  std::uint8_t value = 0;

  EXPECT_EQ(cursor.position(), 2u);
  EXPECT_TRUE(cursor.take_plain(value));
  EXPECT_EQ(value, 7);
  EXPECT_TRUE(cursor.finish());
}

TEST(BodyCursor, RefusesPrefixesThatNoWriterWrites) {
  Body flagged(kKnownFlag | 2);
  flagged.append_byte(0);
  const Body short_one;
  ByteBuffer newer;
  newer.append_byte(kFormatVersion + 1);

  EXPECT_EQ(fault_of(Cursor(ByteBuffer())), Fault::truncated);
  EXPECT_EQ(fault_of(Cursor(short_one)), Fault::truncated);
  EXPECT_EQ(fault_of(Cursor(flagged)), Fault::unknown_tag);
  EXPECT_EQ(fault_of(Cursor(newer)), Fault::version) << "however short it is";
}

TEST(BodyCursor, TakesSizesAsTheyWereWritten) {
  for (const std::uint64_t size : {0ull, 253ull, 254ull, 255ull, 0xffffffffull, 1ull << 32}) {
    Body body;
    body.append_size(size);
    std::uint64_t taken = 1;

    Cursor cursor(body);
    EXPECT_TRUE(cursor.take_size(taken)) << size;
    EXPECT_EQ(taken, size);
    EXPECT_TRUE(cursor.finish());

    Cursor shorter(body.span().first(body.size() - 1));
    EXPECT_FALSE(shorter.take_size(taken)) << size;
    EXPECT_EQ(shorter.fault(), Fault::truncated);
  }
}

TEST(BodyCursor, RefusesSizesThatAreNotTheShortestFormOrTooLarge) {
  const auto fault_of_size = [](std::uint8_t first, auto rest) {
    Body body;
    body.append_byte(first);
    body.append_plain(rest);
    Cursor cursor(body);
    std::uint64_t size = 0;
    EXPECT_FALSE(cursor.take_size(size));
    return cursor.fault();
  };

  EXPECT_EQ(fault_of_size(254, std::uint32_t{253}), Fault::bad_length);
  EXPECT_EQ(fault_of_size(255, std::uint64_t{0xffffffff}), Fault::bad_length);
  EXPECT_EQ(fault_of_size(255, std::uint64_t{1} << 62), Fault::bad_length);
}

TEST(BodyCursor, TakesNoMoreThanThereIs) {
  Body body;
  body.append("12345", 5);
  Cursor cursor(body);
  const std::byte* bytes = nullptr;

  EXPECT_TRUE(cursor.take_bytes(3, bytes));
  EXPECT_EQ(*bytes, std::byte{'1'});
  EXPECT_FALSE(cursor.take_bytes(3, bytes));
  EXPECT_EQ(cursor.fault(), Fault::truncated);
  EXPECT_FALSE(cursor.take_bytes(1, bytes)) << "the first fault ends the reading";
}

TEST(BodyCursor, TakesWhatThePaddingSkipped) {
  Body body;
  body.append_byte(1);
  body.pad(kInlineAlignment);
  body.append_byte(2);
  Cursor cursor(body);
  std::uint8_t value = 0;

  EXPECT_TRUE(cursor.take_plain(value));
  EXPECT_TRUE(cursor.take_padding());
  EXPECT_EQ(cursor.position(), kInlineAlignment);
  EXPECT_TRUE(cursor.take_plain(value));
  EXPECT_EQ(value, 2);
}

TEST(BodyCursor, HasEachBlockNamedOnceAndInOrder) {
  Body body;
  body.append_byte(0);
  const FakeBlocks blocks(std::vector<std::size_t>{10, 10});
  const auto named = [&](std::initializer_list<std::uint64_t> numbers) {
    Cursor cursor(body, blocks.blocks());
    std::uint8_t value = 0;
    cursor.take_plain(value);
    for (const std::uint64_t number : numbers) cursor.name_block(number);
    cursor.finish();
    return cursor.fault();
  };

  EXPECT_EQ(named({0, 1}), Fault::none);
  EXPECT_EQ(named({0}), Fault::trailing);
  EXPECT_EQ(named({0, 0}), Fault::bad_block);
  EXPECT_EQ(named({1, 0}), Fault::bad_block);
  EXPECT_EQ(named({0, 1, 2}), Fault::bad_block);
}

}  // namespace
}  // namespace onecopy::message
