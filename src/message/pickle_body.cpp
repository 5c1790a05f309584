#include "message/pickle_body.hpp"

#include <cassert>

namespace onecopy::message {

namespace {

constexpr std::uint8_t kPieceReadOnly = 0x01;
constexpr std::uint8_t kPieceInBlock = 0x02;

}  // namespace

PickleWriter::PickleWriter(ByteBuffer& buffer, std::uint64_t pieces) noexcept : buffer_(buffer) {
  assert(buffer.size() == 0);
  buffer_.append_byte(kFormatVersion);
  buffer_.append_byte(0);
  buffer_.append_size(pieces);
}

void PickleWriter::inline_piece(std::span<const std::byte> data, bool read_only) noexcept {
  buffer_.append_byte(read_only ? kPieceReadOnly : 0);
  buffer_.append_size(data.size());
  buffer_.pad(kInlineAlignment);
  buffer_.append(data.data(), data.size());
}

void PickleWriter::block_piece(std::uint32_t block, std::uint64_t length, bool read_only,
                               std::uint64_t offset) noexcept {
  buffer_.append_byte(static_cast<std::uint8_t>(kPieceInBlock | (read_only ? kPieceReadOnly : 0)));
  buffer_.append_size(length);
  buffer_.append_size(block);
  buffer_.append_size(offset);
}

Result<void> PickleWriter::copy_piece(OutgoingBlocks& blocks, std::span<const std::byte> data,
                                      bool read_only) {
  if (data.size() < kBlockThreshold) {
    inline_piece(data, read_only);
    return {};
  }
  Result<std::uint32_t> block = copy_into_block(blocks, data.data(), data.size());
  if (!block) return std::move(block).failure();
  block_piece(*block, data.size(), read_only);
  return {};
}

PickleReader::PickleReader(std::span<const std::byte> body, Blocks blocks) noexcept
    : body_(body), blocks_(blocks) {
  if (body.empty()) {
    fail(Fault::truncated);
    return;
  }
  found_version_ = static_cast<std::uint8_t>(body[0]);
  if (found_version_ != kFormatVersion) {
    fail(Fault::version);
    return;
  }
  if (body.size() < 3) {
    fail(Fault::truncated);
    return;
  }
  if (body[1] != std::byte{0}) {
    fail(Fault::unknown_tag);
    return;
  }
  position_ = 2;
  std::uint64_t pieces = 0;
  if (!take_size(pieces)) return;
  // A piece is at least a byte of flags and a byte of length; the stream is always there.
  if (pieces == 0 || pieces > (body_.size() - position_) / 2) {
    fail(Fault::truncated);
    return;
  }
  pieces_left_ = pieces;
}

bool PickleReader::fail(Fault fault) noexcept {
  if (fault_ == Fault::none) fault_ = fault;
  pieces_left_ = 0;
  return false;
}

bool PickleReader::take_size(std::uint64_t& value) noexcept {
  const std::size_t taken = decode_size(body_.subspan(position_), value);
  position_ += taken;
  return taken != 0 || fail(Fault::truncated);
}

bool PickleReader::next(Piece& piece) noexcept {
  if (pieces_left_ == 0) return false;
  --pieces_left_;
  if (position_ == body_.size()) return fail(Fault::truncated);
  const auto flags = static_cast<std::uint8_t>(body_[position_++]);
  if ((flags & ~(kPieceReadOnly | kPieceInBlock)) != 0) return fail(Fault::unknown_tag);
  piece.read_only = (flags & kPieceReadOnly) != 0;
  if (!take_size(piece.length)) return false;

  if ((flags & kPieceInBlock) == 0) {
    const std::size_t missing =
        (kInlineAlignment - position_ % kInlineAlignment) % kInlineAlignment;
    const std::size_t left = body_.size() - position_;
    if (left < missing || left - missing < piece.length) return fail(Fault::truncated);
    piece.block = memory::kNoBlock;
    piece.data = body_.data() + position_ + missing;
    position_ += missing + piece.length;
    return true;
  }

  std::uint64_t number = 0;
  std::uint64_t offset = 0;
  if (!take_size(number) || !take_size(offset)) return false;
  if (number != next_block_ || number >= blocks_.indices.size()) return fail(Fault::bad_block);
  ++next_block_;
  piece.block = blocks_.indices[number];
  const std::uint64_t room = blocks_.length(piece.block);
  if (offset > room || piece.length > room - offset) return fail(Fault::bad_length);
  piece.data = blocks_.data(piece.block) + offset;
  return true;
}

bool PickleReader::finish() noexcept {
  if (fault_ != Fault::none) return false;
  if (pieces_left_ != 0) return fail(Fault::truncated);
  if (position_ != body_.size() || next_block_ != blocks_.indices.size()) {
    return fail(Fault::trailing);
  }
  return true;
}

}  // namespace onecopy::message
