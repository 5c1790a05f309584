#include "message/pickle_body.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "message/testing.hpp"

namespace onecopy::message {
namespace {

using testing::Bytes;
using testing::bytes_of;
using testing::FakeBlocks;

std::string text_of(const Piece& piece) {
  return {reinterpret_cast<const char*>(piece.data), piece.length};
}

Fault fault_of(const Bytes& body, const std::vector<std::size_t>& lengths = {}) {
  const FakeBlocks fake(lengths);
  PickleReader reader(body, fake.blocks());
  Piece piece;
  while (reader.next(piece)) {
    testing::require(piece.shared || piece.data != nullptr || piece.length == 0);
  }
  reader.finish();
  return reader.fault();
}

Bytes body_of(std::initializer_list<int> bytes) {
  Bytes body{std::byte{kFormatVersion}, std::byte{0}};
  for (const int byte : bytes) body.push_back(static_cast<std::byte>(byte));
  return body;
}

TEST(PickleBody, BringsTheStreamAndItsBuffersBack) {
  const std::string stream = "the stream";
  const std::string small = "a small buffer";
  const std::string large(5000, 'L');
  ByteBuffer buffer;
  FakeBlocks blocks;
  PickleWriter writer(buffer, 3);
  writer.inline_piece(bytes_of(stream));
  writer.block_piece(blocks.add(bytes_of(large)), large.size(), true);
  writer.inline_piece(bytes_of(small), true);

  PickleReader reader(buffer.span(), blocks.blocks());
  EXPECT_EQ(reader.pieces_left(), 3u);
  Piece piece;
  ASSERT_TRUE(reader.next(piece));
  EXPECT_EQ(text_of(piece), stream);
  EXPECT_EQ(piece.block, memory::kNoBlock);
  EXPECT_FALSE(piece.read_only);
  ASSERT_TRUE(reader.next(piece));
  EXPECT_EQ(text_of(piece), large);
  EXPECT_NE(piece.block, memory::kNoBlock);
  EXPECT_TRUE(piece.read_only);
  ASSERT_TRUE(reader.next(piece));
  EXPECT_EQ(text_of(piece), small);
  EXPECT_EQ((piece.data - buffer.data()) % 16, 0);
  EXPECT_FALSE(reader.next(piece));
  EXPECT_TRUE(reader.finish());
}

TEST(PickleBody, TakesAPartOfABlock) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  const std::uint32_t block = blocks.add(bytes_of("0123456789"));
  PickleWriter writer(buffer, 1);
  writer.block_piece(block, 4, false, 3);

  PickleReader reader(buffer.span(), blocks.blocks());
  Piece piece;
  ASSERT_TRUE(reader.next(piece));

  EXPECT_EQ(text_of(piece), "3456");
}

TEST(PickleBody, TakesAPartOfASharedBlockByItsReference) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  const std::uint32_t reference = blocks.add(bytes_of("stands for another"));
  PickleWriter writer(buffer, 1);
  writer.shared_piece(reference, 5000, true, 300);

  PickleReader reader(buffer.span(), blocks.blocks());
  Piece piece;
  ASSERT_TRUE(reader.next(piece));

  EXPECT_TRUE(piece.shared);
  EXPECT_TRUE(piece.read_only);
  EXPECT_EQ(piece.length, 5000u) << "of the shared block, not of the reference";
  EXPECT_EQ(piece.offset, 300u);
  EXPECT_EQ(piece.block, blocks.blocks().indices[0]);
  EXPECT_TRUE(reader.finish());
}

TEST(PickleBody, RefusesASharedPieceWithoutAReferenceOfItsOwn) {
  EXPECT_EQ(fault_of(body_of({1, 4, 10, 0, 0}), {8}), Fault::none);
  EXPECT_EQ(fault_of(body_of({1, 4, 10, 0, 0}), {}), Fault::bad_block);
  EXPECT_EQ(fault_of(body_of({1, 4, 10, 1, 0}), {8}), Fault::bad_block);
  EXPECT_EQ(fault_of(body_of({2, 4, 10, 0, 0, 4, 10, 0, 0}), {8}), Fault::bad_block);
  EXPECT_EQ(fault_of(body_of({1, 6, 10, 0, 0}), {10}), Fault::unknown_tag)
      << "in a block and shared";
}

TEST(PickleBody, RefusesAnotherVersion) {
  EXPECT_EQ(fault_of({std::byte{2}, std::byte{0}, std::byte{1}}), Fault::version);
}

TEST(PickleBody, RefusesCountsThatTheRestCannotHold) {
  EXPECT_EQ(fault_of(body_of({})), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({0})), Fault::truncated) << "there is always the stream";
  EXPECT_EQ(fault_of(body_of({2, 0, 0, 0})), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({254, 0xff, 0xff, 0xff, 0xff, 0, 0})), Fault::truncated);
}

TEST(PickleBody, RefusesPiecesBeyondTheBodyOrTheirBlock) {
  EXPECT_EQ(fault_of(body_of({1, 0, 1})), Fault::truncated);
  EXPECT_EQ(fault_of(body_of({1, 2, 10, 0, 0}), {10}), Fault::none);
  EXPECT_EQ(fault_of(body_of({1, 2, 11, 0, 0}), {10}), Fault::bad_length);
  EXPECT_EQ(fault_of(body_of({1, 2, 10, 0, 1}), {10}), Fault::bad_length);
  EXPECT_EQ(fault_of(body_of({1, 2, 0, 0, 11}), {10}), Fault::bad_length);
  EXPECT_EQ(fault_of(body_of({1, 2, 10, 1, 0}), {10, 10}), Fault::bad_block);
  EXPECT_EQ(fault_of(body_of({1, 2, 10, 0, 0}), {10, 10}), Fault::trailing);
  EXPECT_EQ(fault_of(body_of({1, 8, 0})), Fault::unknown_tag);
}

TEST(PickleBody, RefusesEveryTruncation) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  PickleWriter writer(buffer, 2);
  writer.inline_piece(bytes_of("stream"));
  writer.inline_piece(bytes_of("buffer"));
  for (std::size_t length = 0; length < buffer.size(); ++length) {
    const auto part = buffer.span().first(length);
    EXPECT_NE(fault_of({part.begin(), part.end()}), Fault::none) << length;
  }
}

}  // namespace
}  // namespace onecopy::message
