// What an Encoder and a Decoder (include/onecopy/encoding.hpp) work on.
//
// Made on the stack for one put or one get, by one thread. An Encoder::State owns the blocks that
// it has filled, or that were given to it, until the message is delivered. A Decoder::State owns
// nothing of the message it reads, and what it gives out keeps the blocks that it needs by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  // What was given and not delivered goes back to its giver.
  ~State() { settle(false); }

  message::ByteBuffer buffer;
  message::ValueWriter writer{buffer};
  message::OutgoingBlocks blocks;
  Failure failure;
  // Items still to be written into each open container; the outermost stands for the message.
  std::vector<std::uint64_t> left;
  bool begun = false;
  // What the message is; a pickle only where one may come of it.
  message::Kind kind = message::Kind::value;
  bool may_be_pickle = false;

  // Writes the value and says whether a whole message came of it.
  Result<void> encode(const detail::ValueWrite& value);

  // The channel has taken the message.
  void delivered() noexcept {
    settle(true);
    blocks.delivered();
  }
  // The givers are about to be gone: what they gave is the message's now.
  void keep_gifts() noexcept { settle(true); }
  // The same, where it was no message: they have it again.
  void return_gifts() noexcept { settle(false); }

  // Takes a block from who has the only view of it, under this number; none where somebody else
  // looks into it, too. The giver has it again where the message is not delivered.
  std::optional<std::uint32_t> take_gift(memory::BlockIndex block);
  // Once it is known whether the message was delivered, `settle` is called for the giver.
  void add_giver(void* giver, void (*settle)(void* giver, bool delivered) noexcept) {
    givers_.push_back({giver, settle});
  }

  // Counts one more value in; false where it must not be written.
  bool item();
  void fail(Failure reason);
  void open(void (message::ValueWriter::*open_tag)(std::uint64_t, bool) noexcept,
            std::uint64_t count, std::uint64_t items);

 private:
  struct Giver {
    void* giver;
    void (*settle)(void* giver, bool delivered) noexcept;
  };

  void settle(bool delivered) noexcept;

  std::vector<std::uint32_t> gifts_;  // blocks, by number
  std::vector<Giver> givers_;
};

struct Decoder::State {
  State(std::span<const std::byte> body, message::Blocks blocks,
        message::Kind kind = message::Kind::value) noexcept
      : base_(body, blocks), blocks_(blocks), body_(body), kind_(kind) {}

  // Reads the value; every byte and block of the message must have been it.
  Result<void> decode(const detail::ValueRead& value);

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
  // The shared block that the array of peek() lies in; else a name without a block.
  memory::SharedName shared_name() const noexcept {
    return is_shared_ ? blocks_.named(item_.block) : memory::SharedName();
  }

  message::Kind kind() const noexcept { return kind_; }
  // The whole message, which is then read.
  std::span<const std::byte> take_body() noexcept {
    begun_ = true;
    return body_;
  }
  const message::Blocks& blocks() const noexcept { return blocks_; }

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
  message::Blocks blocks_;
  std::span<const std::byte> body_;
  message::Kind kind_;
  std::vector<Again> again_;
  std::vector<Frame> frames_;
  std::vector<std::size_t> remembered_;  // positions, by number
  message::Item item_;
  bool is_shared_ = false;  // item_ is an array in a shared block
  std::uint64_t again_count_ = 0;
  std::size_t position_ = 0;
  bool loaded_ = false;
  bool begun_ = false;
  std::byte wide_[9];  // an element too large for a signed number
  Failure failure_;
};

}  // namespace onecopy
