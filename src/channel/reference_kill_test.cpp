// Sender or receiver of references to shared blocks dies after each instruction of putting or
// getting them. The shared block is there exactly as long as somebody holds it or may receive it.

#include <gtest/gtest.h>

#include <cstring>

#include "memory/reference.hpp"
#include "memory/shared.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using memory::SharedName;
using onecopy::testing::ChannelFixture;
using onecopy::testing::expect_sound;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::kKind;
using onecopy::testing::make_channel;

constexpr std::size_t kBytes = 100;

class ReferenceKill : public ChannelFixture {
 protected:
  // Two references in one message, and no other hold.
  static void send(Channel& channel) {
    const SharedName name = memory::make_shared_block(kBytes, memory::Purpose::array).value();
    std::memset(memory::block_data(name.block), 0x11, kBytes);
    const memory::BlockIndex blocks[] = {memory::make_reference(name).value(),
                                         memory::make_reference(name).value()};
    if (channel.try_put({kKind, {}, blocks}, Contend::yes) != Put::done) _exit(1);
    memory::let_go_shared(name);
  }

  static Get receive(Channel& channel) {
    Incoming message;
    const Get outcome = channel.try_get(message, Contend::yes);
    if (outcome != Get::done) return outcome;
    if (message.blocks.size() != 2) _exit(1);
    const SharedName name = memory::take_reference(message.blocks[0]).value();
    if (memory::take_reference(message.blocks[1]).value() != name) _exit(1);
    if (memory::block_data(name.block)[kBytes - 1] != std::byte{0x11}) _exit(1);
    memory::let_go_shared(name);
    memory::let_go_shared(name);
    return outcome;
  }

  // The message is there whole or not at all.
  void expect_survivors_well() {
    EXPECT_EQ(memory::reclaim_dead(), 1u);
    expect_sound(channel_);
    receive(channel_);
    EXPECT_EQ(receive(channel_), Get::empty);
    EXPECT_EQ(memory::take_census().shared, 0u);
    expect_working();
  }
};

TEST_F(ReferenceKill, WhoSends) {
  kill_at_every_step(
      {.name = "reference, send"}, [this] { channel_ = make_channel(); },
      [this] { send(channel_); },
      [this] {
        expect_survivors_well();
        expect_no_leak();
      });
}

TEST_F(ReferenceKill, WhoReceives) {
  kill_at_every_step(
      {.name = "reference, receive"},
      [this] {
        channel_ = make_channel();
        send(channel_);
      },
      [this] { receive(channel_); },
      [this] {
        expect_survivors_well();
        expect_no_leak();
      });
}

TEST_F(ReferenceKill, WhoClosesTheChannelLast) {
  kill_at_every_step(
      {.name = "reference, close"}, [] {},
      [] {
        Channel channel = make_channel();
        send(channel);
      },
      [this] { expect_no_leak(); });
}

}  // namespace
}  // namespace onecopy::channel
