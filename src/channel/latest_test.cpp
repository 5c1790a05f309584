// That a small message is whole beside the word that publishes it, and taken from there exactly
// where it is the next. What deaths leave is shown by the kill tests and docs/models/latest.pml.
#include "channel/latest.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "channel/segment.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/seed.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::make_channel;
using onecopy::testing::pattern;
using onecopy::testing::put;
using onecopy::testing::random_for;
using onecopy::testing::shapes;
using onecopy::testing::Watchdog;
using Bytes = std::vector<std::byte>;

class LatestTest : public onecopy::testing::ChannelFixture {
 protected:
  LatestTest() { channel_ = make_channel(); }
  ChannelRecord& record() { return record_of(channel_.name().index); }
  std::byte* next_in_segment() {
    return segment_at(record().get_segment, load(record().taken).position);
  }
  // What a getter would find there.
  bool find(SmallHead& head, Bytes& body) {
    std::array<std::byte, kSmallBody> bytes;
    if (!read_latest(record(), load(record().taken), load(record().published), head,
                     bytes.data())) {
      return false;
    }
    body.assign(bytes.begin(), bytes.begin() + head.body_bytes());
    return true;
  }
  bool is_there() {
    SmallHead head;
    Bytes body;
    return find(head, body);
  }
};

TEST_F(LatestTest, IsWhatItsSegmentHas) {
  for (std::uint32_t bytes = 0; bytes <= kSmallBody; ++bytes) {
    const Bytes sent = pattern(bytes, 0, bytes);
    ASSERT_EQ(channel_.try_put({Kind::raw, sent, {}}, Contend::yes), Put::done);

    SmallHead head;
    Bytes found;
    ASSERT_TRUE(find(head, found)) << bytes;

    EXPECT_EQ(found, sent);
    RecordHead in_segment;
    std::memcpy(&in_segment, next_in_segment(), sizeof in_segment);
    EXPECT_EQ(std::bit_cast<RecordHead>(head), in_segment);
    EXPECT_EQ(in_segment, (RecordHead{head.units(), 0, static_cast<std::uint8_t>(Kind::raw), 0,
                                      bytes, weight_of(bytes)}));
    const std::byte* body = next_in_segment() + sizeof in_segment;
    EXPECT_EQ(Bytes(body, body + bytes), sent);
    expect_sound(channel_);
    Incoming message;
    ASSERT_EQ(channel_.try_get(message, Contend::yes), Get::done);
    EXPECT_EQ(Bytes(message.body.begin(), message.body.end()), sent);
  }
  expect_no_leak();
}

TEST_F(LatestTest, IsTakenFromThere) {
  put(channel_, draft(5, shapes()[0]));
  reinterpret_cast<RecordHead*>(next_in_segment())->body_bytes = 0xffffffff;
  EXPECT_EQ(drain(channel_), Numbers{5});
  expect_working();
  expect_no_leak();
}

TEST_F(LatestTest, IsNotTheNextWhereTwoWait) {
  put(channel_, draft(1, shapes()[0]));
  put(channel_, draft(2, shapes()[0]));
  EXPECT_FALSE(is_there());
  EXPECT_EQ(drain(channel_), (Numbers{1, 2}));
  expect_no_leak();
}

TEST_F(LatestTest, IsOnlyWhatIsSmallAndHasNoBlocks) {
  put(channel_, draft(1, shapes()[0]));
  drain(channel_);
  for (std::size_t i = 1; i < shapes().size(); ++i) {
    put(channel_, draft(7, shapes()[i]));
    EXPECT_FALSE(is_there()) << shapes()[i].name;
    EXPECT_EQ(drain(channel_), Numbers{7});
  }
  expect_no_leak();
}

// Its getter would stay in the segment before.
TEST_F(LatestTest, IsNotTakenFromThereWhereItBeginsASegment) {
  const std::uint32_t first = record().put_segment;
  std::uint32_t number = 0;
  while (record().put_segment == first) {
    drain(channel_);
    put(channel_, draft(++number, shapes()[0]));
  }
  EXPECT_FALSE(is_there());
  EXPECT_EQ(drain(channel_), Numbers{number});
  EXPECT_NE(record().get_segment, first);
  expect_sound(channel_);
  expect_no_leak();
}

// A putter that died before it published, and the next, of whose message nothing is there.
TEST_F(LatestTest, IsNotWhatADeadPutterLeft) {
  std::array<std::byte, kSmallBody + sizeof(RecordHead)> place;
  write_small(record(), load(record().published), SmallHead::of(7, 8, 1), pattern(1, 0, 8),
              place.data());
  EXPECT_FALSE(is_there());
  put(channel_, draft(2, shapes()[1]));
  EXPECT_FALSE(is_there());
  EXPECT_EQ(drain(channel_), Numbers{2});
  expect_no_leak();
}

// Getters read while the next is written over it.
TEST_F(LatestTest, IsNeverHalfOfOneAndHalfOfAnother) {
  constexpr std::uint32_t kMessages = 100'000;
  const Watchdog watchdog("the latest while it is written over", 100);
  auto random = random_for("latest");
  Bytes small(kMessages);
  for (std::byte& one : small) one = std::byte{static_cast<unsigned char>(random() % 4 != 0)};
  std::thread putter([&] {
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      std::array<std::uint32_t, 10> body;
      body.fill(i);
      const std::size_t bytes = small[i] == std::byte{1} ? kSmallBody : sizeof body;
      ASSERT_EQ(channel_.try_put({Kind::raw, std::as_bytes(std::span(body)).first(bytes), {}},
                                 Contend::yes),
                Put::done);
    }
  });
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < kMessages;) {
    Incoming message;
    if (channel_.try_get(message, Contend::yes) != Get::done) {
      std::this_thread::yield();
      continue;
    }
    std::array<std::uint32_t, 10> body;
    std::memcpy(body.data(), message.body.data(), message.body.size());
    for (std::size_t j = 0; j < message.body.size() / sizeof i; ++j) wrong += body[j] != i;
    ++i;
  }
  putter.join();
  EXPECT_EQ(wrong, 0u);
  expect_sound(channel_);
  expect_no_leak();
}

}  // namespace
}  // namespace onecopy::channel
