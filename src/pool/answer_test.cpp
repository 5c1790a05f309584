#include "pool/answer.hpp"

#include <gtest/gtest.h>

namespace onecopy::pool {
namespace {

// As it comes out of a channel.
void receive(channel::Incoming& answer, const message::ByteBuffer& body) {
  answer.body = body.span();
}

TEST(Verdict, IsTakenOffAgain) {
  for (const bool success : {true, false}) {
    message::ByteBuffer body;
    body.append("abc", 3);
    append_verdict(body, {0xfffffff0, success, 5'000'000'000});
    channel::Incoming answer;
    receive(answer, body);

    const auto verdict = cut_off_verdict(answer);

    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->number, 0xfffffff0u);
    EXPECT_EQ(verdict->success, success);
    EXPECT_EQ(verdict->computing, 5'000'000'000);
    EXPECT_EQ(answer.body.size(), 3u);
    EXPECT_EQ(answer.body.data(), body.data());
  }
}

TEST(Verdict, MayBeOfNoTask) {
  message::ByteBuffer body;
  append_verdict(body, {std::nullopt, true});
  channel::Incoming answer;
  receive(answer, body);

  const auto verdict = cut_off_verdict(answer);

  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->number);
  EXPECT_TRUE(verdict->success);
}

TEST(Verdict, MayBeAllThereIs) {
  message::ByteBuffer body;
  append_verdict(body, {7, true});
  channel::Incoming answer;
  receive(answer, body);

  EXPECT_TRUE(cut_off_verdict(answer));
  EXPECT_TRUE(answer.body.empty());
  EXPECT_FALSE(cut_off_verdict(answer));
}

TEST(Verdict, IsNotFoundInWhatNobodyAppended) {
  for (const std::size_t length : {0, 15, 16, 100}) {
    message::ByteBuffer body;
    for (std::size_t i = 0; i < length; ++i) body.append_byte(0xff);
    channel::Incoming answer;
    receive(answer, body);

    EXPECT_FALSE(cut_off_verdict(answer));
    EXPECT_EQ(answer.body.size(), length);
  }
}

}  // namespace
}  // namespace onecopy::pool
