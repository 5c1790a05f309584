#include "message/byte_buffer.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onecopy::message {
namespace {

std::string text_of(const ByteBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.span().data()), buffer.size()};
}

TEST(ByteBuffer, KeepsWhatWasWrittenWhileItGrows) {
  ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece = std::to_string(i);
    buffer.append(piece.data(), piece.size());
    expected += piece;
  }

  EXPECT_EQ(text_of(buffer), expected);
  EXPECT_FALSE(buffer.failed());
}

TEST(ByteBuffer, IsEmptyAfterClearAndUsableAgain) {
  ByteBuffer buffer;
  const std::string first(100'000, 'a');
  buffer.append(first.data(), first.size());

  buffer.clear();
  buffer.append("again", 5);

  EXPECT_EQ(text_of(buffer), "again");
}

TEST(ByteBuffer, PadsWithZerosToAMultiple) {
  ByteBuffer buffer;
  buffer.append("abc", 3);

  buffer.pad(16);
  buffer.pad(16);

  EXPECT_EQ(text_of(buffer), std::string("abc") + std::string(13, '\0'));
}

TEST(ByteBuffer, RemembersThatThereWasNoMemory) {
  ByteBuffer buffer;
  buffer.append("kept", 4);

  EXPECT_EQ(buffer.extend(SIZE_MAX / 2), nullptr);
  buffer.append("too late", 8);

  EXPECT_TRUE(buffer.failed());
  EXPECT_EQ(text_of(buffer), "kept");
}

TEST(ByteBuffer, WorksAgainOnceClearedAfterAFailure) {
  ByteBuffer buffer;
  EXPECT_EQ(buffer.extend(SIZE_MAX / 2), nullptr);

  buffer.clear();
  buffer.append("fine", 4);

  EXPECT_FALSE(buffer.failed());
  EXPECT_EQ(text_of(buffer), "fine");
}

TEST(ByteBuffer, WritesSizesInOneFiveOrNineBytes) {
  const std::vector<std::pair<std::uint64_t, std::size_t>> cases = {
      {0, 1},   {253, 1},         {254, 5},        {255, 5},
      {256, 5}, {0xffffffffu, 5}, {1ull << 32, 9}, {UINT64_MAX, 9}};
  for (const auto& [value, length] : cases) {
    ByteBuffer buffer;
    buffer.append_size(value);
    EXPECT_EQ(buffer.size(), length) << value;
  }
}

}  // namespace
}  // namespace onecopy::message
