#include "message/pickle_body.hpp"

#include <cassert>

namespace onecopy::message {

namespace {

constexpr std::uint8_t kPieceReadOnly = 0x01;
constexpr std::uint8_t kPieceInBlock = 0x02;
constexpr std::uint8_t kPieceShared = 0x04;  // excludes kPieceInBlock

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

void PickleWriter::shared_piece(std::uint32_t reference, std::uint64_t length, bool read_only,
                                std::uint64_t offset) noexcept {
  buffer_.append_byte(static_cast<std::uint8_t>(kPieceShared | (read_only ? kPieceReadOnly : 0)));
  buffer_.append_size(length);
  buffer_.append_size(reference);
  buffer_.append_size(offset);
}

PickleReader::PickleReader(std::span<const std::byte> body, Blocks blocks) noexcept
    : BodyCursor(body, blocks, 0) {
  std::uint64_t pieces = 0;
  if (!take_size(pieces)) return;
  // A piece is at least a byte of flags and a byte of length; the stream is always there.
  if (pieces == 0 || pieces > spare() / 2) {
    fail(Fault::truncated);
    return;
  }
  pieces_left_ = pieces;
}

bool PickleReader::next(Piece& piece) noexcept {
  if (pieces_left_ == 0) return false;
  --pieces_left_;
  std::uint8_t flags = 0;
  if (!take_plain(flags)) return false;
  constexpr std::uint8_t kElsewhere = kPieceInBlock | kPieceShared;
  if ((flags & ~(kPieceReadOnly | kElsewhere)) != 0 || (flags & kElsewhere) == kElsewhere) {
    return fail(Fault::unknown_tag);
  }
  piece.read_only = (flags & kPieceReadOnly) != 0;
  piece.shared = (flags & kPieceShared) != 0;
  piece.offset = 0;
  if (!take_size(piece.length)) return false;

  if ((flags & kElsewhere) == 0) {
    piece.block = memory::kNoBlock;
    return take_padding() && take_bytes(piece.length, piece.data);
  }

  std::uint64_t number = 0;
  if (!take_size(number) || !take_size(piece.offset) || !name_block(number)) return false;
  piece.block = blocks_.indices[number];
  piece.data = nullptr;
  if (piece.shared) return true;
  const std::uint64_t room = blocks_.length(piece.block);
  if (piece.offset > room || piece.length > room - piece.offset) return fail(Fault::bad_length);
  piece.data = blocks_.data(piece.block) + piece.offset;
  return true;
}

bool PickleReader::finish() noexcept {
  if (pieces_left_ != 0) return fail(Fault::truncated);
  return BodyCursor::finish();
}

}  // namespace onecopy::message
