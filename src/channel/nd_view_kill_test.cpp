// A process dies after each instruction of receiving an array, writing to it and sending it on
// without a copy. Whoever is left finds the array as it was sent, or as it was sent on, or nothing;
// and nothing leaked.

#include <onecopy/nd_view.hpp>

#include <gtest/gtest.h>

#include "channel/values.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::ChannelFixture;
using onecopy::testing::expect_sound;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::make_channel;

constexpr std::size_t kSize = 600;  // more than the body of a message has

class NdViewKill : public ChannelFixture {
 protected:
  static void send(Channel& channel, NdView<double>& array) {
    put_value(channel, detail::give_of(array), 0, -1).value_or_throw();
  }

  static Result<void> receive(Channel& channel, NdView<double>& array) {
    return get_value(channel, detail::read_of(array), 0, -1);
  }

  void prepare() {
    channel_ = make_channel();
    auto array = NdView<double>::zeros({kSize});
    array(kSize - 1) = 1;
    send(channel_, array);
  }

  void send_on() {
    NdView<double> array;
    receive(channel_, array).value_or_throw();
    array(0) = array(kSize - 1) + 1;
    send(channel_, array);
  }

  void expect_survivors_well() {
    EXPECT_EQ(memory::reclaim_dead(), 1u);
    expect_sound(channel_);
    NdView<double> array;
    if (receive(channel_, array)) {
      EXPECT_EQ(array.size(), kSize);
      EXPECT_TRUE(array(0) == 0 || array(0) == 2) << array(0);
      EXPECT_EQ(array(kSize - 1), 1);
      EXPECT_EQ(receive(channel_, array).error(), Error::empty);
    }
    array = {};
    expect_working();
    expect_no_leak();
  }
};

TEST_F(NdViewKill, WhoSendsOnWhatItReceived) {
  kill_at_every_step(
      {.name = "nd view, send on"}, [this] { prepare(); }, [this] { send_on(); },
      [this] { expect_survivors_well(); });
}

TEST_F(NdViewKill, WhoMakesOneAndDropsIt) {
  kill_at_every_step(
      {.name = "nd view, make and drop"}, [this] { prepare(); },
      [] { NdView<double>::for_overwrite({kSize})(0) = 1; }, [this] { expect_survivors_well(); });
}

}  // namespace
}  // namespace onecopy::channel
