// The body of a pickle message: the stream and its out-of-band buffers, in pieces.
//
// Piece 0 is the pickle stream, the others are the buffers in the order in which the pickler gave
// them. A piece lies in the body when it is shorter than kBlockThreshold, else in a block of its
// own. Or it lies in a shared block, for which a block of the message refers to it
// (memory/reference.hpp): then reader and writer have one and the same bytes. One thread at a time;
// nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "message/body_cursor.hpp"
#include "message/byte_buffer.hpp"
#include "message/envelope.hpp"

namespace onecopy::message {

class PickleWriter {
 public:
  // Writes the prefix; `buffer` must be empty. `pieces` will follow, the stream included.
  PickleWriter(ByteBuffer& buffer, std::uint64_t pieces) noexcept;

  void inline_piece(std::span<const std::byte> data, bool read_only = false) noexcept;
  // A piece in block number `block` of the message, `offset` bytes into it.
  void block_piece(std::uint32_t block, std::uint64_t length, bool read_only = false,
                   std::uint64_t offset = 0) noexcept;
  // A piece of a shared block, `offset` bytes into it; block number `reference` of the message
  // refers to it.
  void shared_piece(std::uint32_t reference, std::uint64_t length, bool read_only,
                    std::uint64_t offset) noexcept;

 private:
  ByteBuffer& buffer_;
};

struct Piece {
  const std::byte* data;  // null: shared
  std::uint64_t length;
  memory::BlockIndex block;  // kNoBlock: in the body; of a shared one, the reference
  bool read_only;
  bool shared;
  std::uint64_t offset;  // in the block; of a shared one, in the shared block
};

// Bounds-checked as ValueReader is: each piece lies wholly in the body or in a block of its own.
// Whether a shared one lies in its shared block is for the caller to check, who alone knows it.
class PickleReader : public BodyCursor {
 public:
  PickleReader(std::span<const std::byte> body, Blocks blocks) noexcept;

  // Pieces that next() has yet to give; never more than bytes left.
  std::uint64_t pieces_left() const noexcept { return pieces_left_; }
  // False at a fault, or when no piece is left.
  bool next(Piece& piece) noexcept;
  // True where every piece was read, nothing follows, and every block was used.
  bool finish() noexcept;

 private:
  std::uint64_t pieces_left_ = 0;
};

}  // namespace onecopy::message
