#include <onecopy/opaque.hpp>

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/object.hpp>
#include <onecopy/queue.hpp>
#include <onecopy/shared.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/reference.hpp"
#include "memory/validate.hpp"
#include "message/codec_state.hpp"
#include "message/pickle_body.hpp"
#include "message/testing.hpp"

namespace onecopy {
namespace {

using message::Kind;
using message::testing::bytes_of;

std::uint64_t bytes_in_blocks() { return memory::take_census().in_use; }

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A pickle as Python sends one: a stream, a buffer in the body, one in a block, one that is shared.
struct Message {
  Message() {
    memory::join_family().value_or_throw();
    memory = Shared<double>::copy(std::vector<double>{1, 2, 3}).value_or_throw();
    state.buffer.clear();  // no value begins here
    message::PickleWriter writer(state.buffer, 4);
    writer.inline_piece(bytes_of("\x80\x05 a stream."));
    writer.inline_piece(bytes_of("small"), true);
    const std::string large(10'000, 'b');
    writer.block_piece(*message::copy_into_block(state.blocks, large.data(), large.size()), 9990,
                       false, 10);
    const memory::SharedName name = memory::shared_at(memory.span().data(), memory::Purpose::array);
    writer.shared_piece(state.blocks.add(*memory::make_reference(name)), 16, false, 8);
    state.kind = Kind::pickle;
  }

  Shared<double> memory;
  Encoder::State state;
};

// What channel::Incoming does when a message has been read.
void discard(Encoder::State& state) {
  for (const memory::BlockIndex block : state.blocks.span()) {
    if (memory::view_count(block) != 0) {
      memory::release_view(block);
    } else {
      memory::release_block(block);
    }
  }
  state.blocks.delivered();
}

template <class T>
Result<T> read(Encoder::State&& state) {
  T value{};
  Decoder::State decoder(state.buffer.span(), {.indices = state.blocks.span()}, state.kind);
  const Result<void> decoded = decoder.decode(detail::read_of(value));
  discard(state);
  if (!decoded) return decoded.failure();
  return value;
}

void expect_the_message(const Opaque& opaque, const Shared<double>& memory) {
  EXPECT_EQ(text(opaque.pickle()), "\x80\x05 a stream.");
  ASSERT_EQ(opaque.buffers().size(), 3u);
  EXPECT_EQ(text(opaque.buffers()[0].data), "small");
  EXPECT_TRUE(opaque.buffers()[0].read_only);
  EXPECT_EQ(text(opaque.buffers()[1].data), std::string(9990, 'b'));
  EXPECT_FALSE(opaque.buffers()[1].read_only);
  EXPECT_EQ(opaque.buffers()[2].data.data(), std::as_bytes(memory.span().subspan(1)).data());
  EXPECT_EQ(opaque.buffers()[2].data.size(), 16u);
}

TEST(Opaque, IsAPickleAsItCame) {
  Message message;
  const Result<Opaque> opaque = read<Opaque>(std::move(message.state));

  ASSERT_TRUE(opaque) << opaque.failure().text();
  expect_the_message(*opaque, message.memory);
}

TEST(Opaque, IsSentOnAsItCame) {
  const std::uint64_t before = bytes_in_blocks();
  {
    Message message;
    const std::vector body(message.state.buffer.span().begin(), message.state.buffer.span().end());
    Opaque opaque = read<Opaque>(std::move(message.state)).value_or_throw();
    const std::byte* const place = opaque.buffers()[1].data.data();
    for (const bool moved : {false, true}) {
      Encoder::State state;
      state.may_be_pickle = true;
      state.encode(moved ? detail::give_of(opaque) : detail::write_of(opaque)).value_or_throw();
      EXPECT_EQ(state.kind, Kind::pickle);
      EXPECT_EQ(std::vector(state.buffer.span().begin(), state.buffer.span().end()), body);
      if (moved) state.keep_gifts();
      EXPECT_EQ(opaque.empty(), moved);

      const Opaque again = read<Opaque>(std::move(state)).value_or_throw();
      expect_the_message(again, message.memory);
      EXPECT_EQ(again.buffers()[1].data.data() == place, moved);
    }
  }
  EXPECT_EQ(bytes_in_blocks(), before);
  EXPECT_EQ(memory::validate_memory(), "");
}

TEST(Opaque, IsUnchangedWhereItWasNotSent) {
  Message message;
  Opaque opaque = read<Opaque>(std::move(message.state)).value_or_throw();
  {
    Encoder::State state;
    state.may_be_pickle = true;
    state.encode(detail::give_of(opaque)).value_or_throw();
  }
  expect_the_message(opaque, message.memory);
  EXPECT_EQ(memory::validate_memory(), "");
}

TEST(Opaque, IsWhatTypedReadingNames) {
  const std::string only_pickle =
      "only Python's pickle can read the message: there is more in it than None, bool, int, float, "
      "complex, str, bytes, list, tuple, dict and NumPy arrays of numbers in this machine's byte "
      "order; onecopy::Opaque takes it as it is";
  const std::uint64_t before = bytes_in_blocks();
  EXPECT_EQ(read<double>(Message().state).failure().message, only_pickle);
  EXPECT_EQ(read<std::string>(Message().state).failure().message, only_pickle);
  EXPECT_EQ(read<std::vector<double>>(Message().state).failure().message, only_pickle);
  EXPECT_EQ(read<NdView<double>>(Message().state).failure().message, only_pickle);
  EXPECT_EQ(read<std::optional<int>>(Message().state).failure().message, only_pickle);
  EXPECT_EQ(read<std::vector<Opaque>>(Message().state).failure().message, only_pickle);
  EXPECT_EQ(bytes_in_blocks(), before);

  const Result<Object> object = read<Object>(Message().state);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->kind(), ValueKind::opaque);
  EXPECT_EQ(object->opaque().buffers().size(), 3u);
}

TEST(Opaque, IsNothingElse) {
  Queue<int> numbers;
  Encoder::State state;
  memory::join_family().value_or_throw();
  state.encode(detail::write_of(5)).value_or_throw();
  EXPECT_EQ(read<Opaque>(std::move(state)).failure().message,
            "what only Python's pickle can read was wanted, and the message has an integer");
}

TEST(Opaque, GoesAlone) {
  const std::string alone =
      "an Opaque is a whole message of a queue or a pipe: it cannot be sent inside of another "
      "value "
      "nor to or from a pool";
  Message message;
  std::pair<int, Opaque> pair(1, read<Opaque>(std::move(message.state)).value_or_throw());
  Queue<std::pair<int, Opaque>> queue;
  EXPECT_EQ(queue.try_put(pair).failure().message, alone);
  EXPECT_EQ(queue.try_put(std::move(pair)).failure().message, alone);
  EXPECT_FALSE(pair.second.empty());
  Encoder::State of_a_pool;
  EXPECT_EQ(of_a_pool.encode(detail::write_of(pair.second)).failure().message, alone);
  EXPECT_EQ(Queue<Opaque>().try_put(Opaque()).failure().message,
            "an Opaque of no message cannot be sent");
}

TEST(Opaque, IsCorruptWhereItsPiecesAre) {
  Message message;
  for (std::size_t length = 0; length < message.state.buffer.size(); ++length) {
    Opaque opaque;
    Decoder::State decoder(message.state.buffer.span().first(length),
                           {.indices = message.state.blocks.span()}, Kind::pickle);
    const Result<void> decoded = decoder.decode(detail::read_of(opaque));
    for (const memory::BlockIndex block : message.state.blocks.span()) {
      if (memory::view_count(block) != 0) memory::surrender_view(block);
    }
    ASSERT_EQ(decoded.error(), Error::corrupt) << length;
    ASSERT_TRUE(opaque.empty());
  }
  // A shared piece in a block of its own, and one that leaves its memory.
  for (const auto& [shared, length] : {std::pair(false, 16u), std::pair(true, 17u)}) {
    Message other;
    message::ByteBuffer body;
    message::PickleWriter writer(body, 2);
    writer.inline_piece(bytes_of("."));
    if (shared) {
      writer.shared_piece(0, length, false, 8);
    } else {
      writer.block_piece(0, length);
    }
    const memory::BlockIndex reference[] = {other.state.blocks.span()[1]};
    Opaque opaque;
    Decoder::State decoder(body.span(), {.indices = reference}, Kind::pickle);
    EXPECT_EQ(decoder.decode(detail::read_of(opaque)).error(), Error::corrupt);
  }
}

}  // namespace
}  // namespace onecopy
