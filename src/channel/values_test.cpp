#include "channel/values.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/opaque.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "message/envelope.hpp"
#include "message/pickle_body.hpp"
#include "os/descriptor.hpp"

namespace onecopy::channel {
namespace {

Channel make() {
  memory::join_family().value_or_throw();
  return Channel::create({}).value_or_throw();
}

template <class T>
Result<void> put(Channel& channel, const T& value) {
  return put_value(channel, detail::write_of(value), 0, -1);
}

template <class T>
Result<T> get(Channel& channel) {
  T value{};
  Result<void> taken = get_value(channel, detail::read_of(value), 0, -1);
  if (!taken) return std::move(taken).failure();
  return value;
}

TEST(Values, AreGoneWithTheirBlocksWhenTheyAreNotWhatWasWanted) {
  Channel channel = make();
  const std::uint64_t before = memory::take_census().in_use;
  put(channel, std::vector<double>(100'000)).value_or_throw();
  EXPECT_GT(memory::take_census().in_use, before);

  const Result<std::string> text = get<std::string>(channel);

  EXPECT_EQ(text.error(), Error::invalid);
  EXPECT_EQ(text.failure().message,
            "a string was wanted, and the message has an array of float64 in 1 dimension");
  EXPECT_EQ(channel.size(), 0u);
  EXPECT_EQ(memory::take_census().in_use, before);
}

TEST(Values, AreReadFromTypedMessagesOnly) {
  Channel channel = make();
  const std::byte body[] = {std::byte{1}, std::byte{0}, std::byte{1}};
  for (const int kind : {2, 3, 4}) {
    const Outgoing message{.kind = static_cast<Kind>(kind), .body = body, .blocks = {}};
    ASSERT_EQ(channel.try_put(message, Contend::yes), Put::done);
  }

  EXPECT_EQ(get<int>(channel).failure().message,
            "only Python's pickle can read the message: there is more in it than None, bool, int, "
            "float, complex, str, bytes, list, tuple, dict and NumPy arrays of numbers in this "
            "machine's byte order; onecopy::Opaque takes it as it is");
  EXPECT_EQ(get<int>(channel).failure().message, "the message is raw bytes, not a value");
  EXPECT_EQ(get<int>(channel).error(), Error::corrupt);
}

TEST(Values, ThatOnlyPickleReadsAreHandedOnAsTheyCame) {
  Channel channel = make();
  const std::uint64_t before = memory::take_census().in_use;
  message::ByteBuffer body;
  message::PickleWriter writer(body, 2);
  const std::byte stream[] = {std::byte{0x80}, std::byte{5}, std::byte{'.'}};
  writer.inline_piece(stream);
  message::OutgoingBlocks blocks;
  const std::vector<double> numbers(1000, 0.5);
  writer.block_piece(*copy_into_block(blocks, numbers.data(), 8000), 8000);
  const memory::BlockIndex block = blocks.span()[0];
  ASSERT_EQ(channel.try_put({Kind::pickle, body.span(), blocks.span()}, Contend::yes), Put::done);
  blocks.delivered();

  Opaque opaque = get<Opaque>(channel).value_or_throw();
  EXPECT_EQ(opaque.buffers()[0].data.size(), 8000u);
  put_value(channel, detail::give_of(opaque), 0, -1).value_or_throw();
  EXPECT_TRUE(opaque.empty());

  Incoming message;
  ASSERT_EQ(channel.try_get(message, Contend::yes), Get::done);
  EXPECT_EQ(message.kind, Kind::pickle);
  EXPECT_TRUE(
      std::equal(message.body.begin(), message.body.end(), body.span().begin(), body.span().end()));
  EXPECT_EQ(message.blocks, std::vector{block});
  message.discard();
  EXPECT_EQ(memory::take_census().in_use, before);
}

TEST(Values, StayWithTheSenderWhenTheChannelIsFull) {
  memory::join_family().value_or_throw();
  Channel channel = Channel::create({.maximum_bytes = 100'000}).value_or_throw();
  put(channel, std::vector<double>(20'000)).value_or_throw();
  const std::uint64_t before = memory::take_census().in_use;

  EXPECT_EQ(put(channel, std::vector<double>(20'000)).error(), Error::full);

  EXPECT_EQ(memory::take_census().in_use, before);
}

const Outgoing kNothing{.kind = Kind::raw, .body = {}, .blocks = {}};

TEST(Rounds, EndWithoutAnAnswerWhenNothingHappens) {
  memory::join_family().value_or_throw();
  Channel channel = Channel::create({.maximum = 1}).value_or_throw();
  Incoming message;
  bool broken = false;
  bool ended = false;

  EXPECT_EQ(get_round(channel, message, -1, os::Deadline::never(), ended), Get::busy);
  EXPECT_EQ(put_round(channel, kNothing, -1, os::Deadline::never(), broken), Put::done);
  EXPECT_EQ(put_round(channel, kNothing, -1, os::Deadline::never(), broken), Put::busy);
  EXPECT_EQ(get_round(channel, message, -1, os::Deadline::never(), ended), Get::done);

  EXPECT_FALSE(broken);
  EXPECT_FALSE(ended);
}

TEST(Rounds, AnswerAtOnceWhenTheDeadlineHasExpired) {
  memory::join_family().value_or_throw();
  Channel channel = Channel::create({.maximum = 1}).value_or_throw();
  Incoming message;
  bool broken = false;
  bool ended = false;

  EXPECT_EQ(get_round(channel, message, -1, os::Deadline::at(0), ended), Get::empty);
  ASSERT_EQ(channel.try_put(kNothing, Contend::yes), Put::done);
  EXPECT_EQ(put_round(channel, kNothing, -1, os::Deadline::at(0), broken), Put::full);

  EXPECT_FALSE(broken);
  EXPECT_FALSE(ended);
}

TEST(Rounds, EndTheStreamOnceEverythingWasTaken) {
  for (const os::Deadline deadline : {os::Deadline::never(), os::Deadline::at(0)}) {
    Channel channel = make();
    auto sockets = os::stream_pair(true).value_or_throw();
    channel.set_bell(-1, sockets.first.get());
    ASSERT_EQ(channel.try_put(kNothing, Contend::yes), Put::done);
    Incoming message;
    bool ended = false;
    const auto get = [&] {
      Get outcome = Get::busy;
      while (outcome == Get::busy) {
        outcome = get_round(channel, message, sockets.first.get(), deadline, ended);
      }
      return outcome;
    };

    sockets.second.reset();

    EXPECT_EQ(get(), Get::done);
    EXPECT_FALSE(ended);
    EXPECT_EQ(get(), Get::empty);
    EXPECT_TRUE(ended);
  }
}

TEST(Rounds, FindThePipeBrokenWhereTheyWouldWaitForRoom) {
  memory::join_family().value_or_throw();
  Channel channel = Channel::create({.maximum = 1}).value_or_throw();
  auto sockets = os::stream_pair(true).value_or_throw();
  ASSERT_EQ(channel.try_put(kNothing, Contend::yes), Put::done);
  bool broken = false;

  sockets.second.reset();

  EXPECT_EQ(put_round(channel, kNothing, sockets.first.get(), os::Deadline::never(), broken),
            Put::full);
  EXPECT_TRUE(broken);
}

}  // namespace
}  // namespace onecopy::channel
