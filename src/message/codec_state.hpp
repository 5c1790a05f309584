// What an Encoder and a Decoder (include/onecopy/encoding.hpp) work on.
//
// Made on the stack for one put or one get, by one thread. An Encoder::State owns the blocks that
// it has filled until the message is delivered; a Decoder::State owns nothing of the message it
// reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <onecopy/codec.hpp>
#include <onecopy/error.hpp>

#include "message/byte_buffer.hpp"
#include "message/envelope.hpp"
#include "message/value_reader.hpp"
#include "message/value_writer.hpp"

namespace onecopy {

struct Encoder::State {
  message::ByteBuffer buffer;
  message::ValueWriter writer{buffer};
  message::OutgoingBlocks blocks;
  Failure failure;
  // Items still to be written into each open container; the outermost stands for the message.
  std::vector<std::uint64_t> left;
  bool begun = false;

  // Writes the value and says whether a whole message came of it.
  Result<void> encode(detail::ValueWrite value);

  // Counts one more value in; false where it must not be written.
  bool item();
  void fail(Failure reason);
  void open(void (message::ValueWriter::*open_tag)(std::uint64_t, bool) noexcept,
            std::uint64_t count, std::uint64_t items);
};

struct Decoder::State {
  State(std::span<const std::byte> body, message::Blocks blocks) noexcept
      : base_(body, blocks), named_(blocks.named) {}

  // Reads the value; every byte and block of the message must have been it.
  Result<void> decode(detail::ValueRead value);

  // The next item, without taking it; null after a failure.
  const message::Item* peek();
  // Takes the item that peek() gave.
  void take() noexcept;
  void fail(Failure reason);
  bool failed() const noexcept { return failure_.code != Error::none; }
  // "a string was wanted, and the message has a list".
  void fail_wanted(const char* wanted);
  std::size_t open(bool dict);
  void close();
  // The shared block that an array lies in; else a name without a block.
  memory::SharedName named_by(const message::Item& item) const noexcept {
    return item.block == memory::kNoBlock ? memory::SharedName() : named_(item.block);
  }

 private:
  struct Frame {
    message::Item item;
    std::size_t position;
    std::uint64_t left;  // items, not pairs
    bool packed;         // the items are elements of `item`, not values of their own
  };
  // A value that is being read again because of a reference to it.
  struct Again {
    message::ValueReader reader;
    std::uint32_t depth;
  };

  message::ValueReader& reader() noexcept { return again_.empty() ? base_ : again_.back().reader; }
  void drop_complete() noexcept;
  bool load_value();
  bool find_shared_data();
  void load_element(const Frame& frame);

  message::ValueReader base_;
  memory::SharedName (*named_)(memory::BlockIndex) noexcept;
  std::vector<Again> again_;
  std::vector<Frame> frames_;
  std::vector<std::size_t> remembered_;  // positions, by number
  message::Item item_;
  std::size_t position_ = 0;
  bool loaded_ = false;
  bool begun_ = false;
  std::byte wide_[9];  // an element too large for a signed number
  Failure failure_;
};

}  // namespace onecopy
