#include "channel/pipe_end.hpp"

#include <gtest/gtest.h>

#include "channel/values.hpp"

namespace onecopy::channel {
namespace {

const Outgoing kNothing{.kind = Kind::raw, .body = {}, .blocks = {}};

bool goes(Channel& from, Channel& to) {
  Incoming message;
  return from.try_put(kNothing, Contend::yes) == Put::done && to.size() == 1 &&
         to.try_get(message, Contend::yes) == Get::done && from.size() == 0;
}

TEST(PipeEnd, SendsWhatTheOtherReceives) {
  auto [first, second] = make_pipe(true).value_or_throw();

  EXPECT_TRUE(goes(first.outgoing, second.incoming));
  EXPECT_TRUE(goes(second.outgoing, first.incoming));
}

TEST(PipeEnd, OfASimplexPipeOnlyReceivesOrOnlySends) {
  auto [first, second] = make_pipe(false).value_or_throw();

  EXPECT_TRUE(goes(second.outgoing, first.incoming));
  EXPECT_FALSE(first.outgoing.valid());
  EXPECT_FALSE(second.incoming.valid());
}

TEST(PipeEnd, HearsTheOtherRing) {
  auto [first, second] = make_pipe(true).value_or_throw();

  ASSERT_EQ(first.outgoing.try_put(kNothing, Contend::yes), Put::done);

  const auto heard = [](const PipeEnd& end) {
    return os::poll_one(end.socket.get(), true, false, os::Deadline::at(0)).readable;
  };
  EXPECT_TRUE(heard(second));
  EXPECT_FALSE(heard(first));
}

TEST(PipeEnd, IsHungUpOnceTheOtherIsClosed) {
  auto [first, second] = make_pipe(true).value_or_throw();
  EXPECT_FALSE(hung_up(first.socket.get()));

  {
    const PipeEnd closed = std::move(second);
  }

  EXPECT_TRUE(hung_up(first.socket.get()));
}

TEST(PipeEnd, IsMadeOnASocketAndTheOtherOpenedByItsNames) {
  memory::join_family().value_or_throw();
  auto [near, far] = os::stream_pair(true).value_or_throw();

  PipeEnd first = make_end(std::move(near)).value_or_throw();
  PipeEnd second(std::move(far), Channel::open(first.outgoing.name()).value_or_throw(),
                 Channel::open(first.incoming.name()).value_or_throw());

  EXPECT_TRUE(goes(first.outgoing, second.incoming));
  EXPECT_TRUE(goes(second.outgoing, first.incoming));
}

}  // namespace
}  // namespace onecopy::channel
