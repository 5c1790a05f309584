// References to shared blocks under way in messages: whatever becomes of sender, receiver and
// channel, the shared block lives as long as somebody holds it or may still receive it.
#include "memory/reference.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "memory/shared.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using memory::SharedName;
using onecopy::testing::bytes_in_use;
using onecopy::testing::ended_well;
using onecopy::testing::expect_sound;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kKind;
using onecopy::testing::make_channel;
using onecopy::testing::start_process;

constexpr std::size_t kBytes = 100'000;

SharedName make_filled(int byte) {
  const SharedName name = memory::make_shared_block(kBytes, memory::Purpose::array).value();
  std::memset(memory::block_data(name.block), byte, kBytes);
  return name;
}

// As many references to it in one message.
void put_references(Channel& channel, SharedName name, std::size_t count) {
  std::vector<memory::BlockIndex> blocks;
  blocks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) blocks.push_back(memory::make_reference(name).value());
  ASSERT_EQ(channel.try_put({kKind, {}, blocks}, Contend::yes), Put::done);
}

std::vector<memory::BlockIndex> take_blocks(Channel& channel) {
  Incoming message;
  EXPECT_EQ(channel.try_get(message, Contend::yes), Get::done);
  return std::move(message.blocks);
}

void expect_filled(SharedName name, int byte) {
  EXPECT_EQ(memory::block_data(name.block)[0], static_cast<std::byte>(byte));
  EXPECT_EQ(memory::block_data(name.block)[kBytes - 1], static_cast<std::byte>(byte));
}

TEST(ReferenceInMessage, KeepsTheMemoryOfASenderThatIsGone) {
  in_fresh_process([] {
    Channel channel = make_channel();
    const std::uint64_t before = bytes_in_use();
    EXPECT_TRUE(ended_well(start_process([&] {
      const SharedName name = make_filled(0x11);
      put_references(channel, name, 3);
      memory::let_go_shared(name);
    })));
    memory::reclaim_dead();
    expect_sound(channel);
    SharedName name;
    const auto references = take_blocks(channel);
    for (const memory::BlockIndex reference : references) {
      name = memory::take_reference(reference).value();
      expect_filled(name, 0x11);
    }
    for (std::size_t i = 0; i < references.size(); ++i) memory::let_go_shared(name);
    EXPECT_EQ(bytes_in_use(), before);
    expect_sound(channel);
  });
}

TEST(ReferenceInMessage, GoesWithItsChannel) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    const std::uint64_t before = bytes_in_use();
    {
      Channel channel = make_channel();
      const SharedName name = make_filled(0x11);
      put_references(channel, name, 1);
      put_references(channel, name, 3);
      memory::let_go_shared(name);
      expect_sound(channel);
    }
    EXPECT_EQ(bytes_in_use(), before);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

TEST(ReferenceInMessage, GoesWithAReceiverThatDiesBeforeItLooks) {
  in_fresh_process([] {
    Channel channel = make_channel();
    const std::uint64_t before = bytes_in_use();
    const SharedName name = make_filled(0x11);
    put_references(channel, name, 2);
    memory::let_go_shared(name);
    const pid_t receiver = start_process([&] {
      take_blocks(channel);
      raise(SIGKILL);
    });
    EXPECT_TRUE(os::wait_process(receiver));
    EXPECT_EQ(memory::reclaim_dead(), 1u);
    EXPECT_EQ(bytes_in_use(), before);
    expect_sound(channel);
  });
}

TEST(ReferenceInMessage, IsDroppedWithAMessageThatNobodyWants) {
  in_fresh_process([] {
    Channel channel = make_channel();
    const std::uint64_t before = bytes_in_use();
    const SharedName name = make_filled(0x11);
    put_references(channel, name, 2);
    memory::let_go_shared(name);
    Incoming message;
    ASSERT_EQ(channel.try_get(message, Contend::yes), Get::done);
    message.discard();
    EXPECT_EQ(bytes_in_use(), before);
    expect_sound(channel);
  });
}

}  // namespace
}  // namespace onecopy::channel
