// include/onecopy/stop.hpp, at queues and pipes.
#include <onecopy/stop.hpp>

#include <cstddef>
#include <latch>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/nd_view.hpp>
#include <onecopy/pipe.hpp>
#include <onecopy/queue.hpp>

#include "os/testing.hpp"
#include "testing/stopping.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {

// Cannot be read, and says that it was too late.
struct Late {};

template <>
struct Codec<Late> {
  static void write(Encoder& to, const Late&) { to.none(); }
  static void read(Decoder& from, Late&) { from.fail({Error::timed_out, 0, "too late"}); }
};

namespace {

using onecopy::testing::start_sleeper;
using onecopy::testing::stop;
using onecopy::testing::stopped;

static_assert(detail::StopToken<std::stop_token>);
static_assert(!detail::StopToken<int> && !detail::StopToken<std::jthread>);

class Stop : public ::testing::Test {
 protected:
  testing::Watchdog watchdog_{"stop", 100};
};

// -- queues ---------------------------------------------------------------------------------------

TEST_F(Stop, AskedForBeforeLeavesNoTimeToWait) {
  Queue<int> queue(1);
  EXPECT_EQ(queue.get(stopped()).error(), Error::stopped);
  queue.put(1);
  EXPECT_EQ(queue.put(2, stopped()).error(), Error::stopped);
  EXPECT_EQ(queue.get(), 1);
  EXPECT_TRUE(queue.empty()) << "the second was not put";
}

TEST_F(Stop, AskedForBeforeHindersNothingThatNeedsNoWaiting) {
  Queue<std::string> queue(1);
  EXPECT_TRUE(queue.put("there", stopped()));
  EXPECT_EQ(queue.get(stopped()).value(), "there");
}

TEST_F(Stop, EndsAGetThatSleeps) {
  Queue<int> queue;
  Error error = Error::none;
  std::jthread getter =
      start_sleeper([&](const std::stop_token& token) { error = queue.get(token).error(); });
  stop(getter);
  EXPECT_EQ(error, Error::stopped);
  queue.put(1);
  EXPECT_EQ(queue.get(), 1);
}

TEST_F(Stop, EndsAPutThatSleeps) {
  Queue<int> queue(1);
  queue.put(1);
  Error error = Error::none;
  std::jthread putter =
      start_sleeper([&](const std::stop_token& token) { error = queue.put(2, token).error(); });
  stop(putter);
  EXPECT_EQ(error, Error::stopped);
  EXPECT_EQ(queue.get(), 1);
  EXPECT_TRUE(queue.empty());
}

TEST_F(Stop, EndsNoWaitForWhatComesFirst) {
  Queue<int> queue;
  int got = 0;
  const auto get = [&](const std::stop_token& token) { got = queue.get(token).value_or_throw(); };
  std::jthread getter = start_sleeper(get);
  queue.put(7);
  getter.join();
  EXPECT_EQ(got, 7);

  std::thread putter([&] { queue.put(8); });
  get(std::stop_token());  // of which nobody can ask anything
  putter.join();
  EXPECT_EQ(got, 8);
}

TEST_F(Stop, LeavesWhatWasToBeMoved) {
  Queue<NdView<double>> queue(1);
  queue.put(NdView<double>::zeros({1}));
  NdView<double> numbers = NdView<double>::zeros({1000});
  numbers(999) = 7;
  EXPECT_EQ(queue.put(std::move(numbers), stopped()).error(), Error::stopped);
  EXPECT_EQ(numbers(999), 7);  // NOLINT(bugprone-use-after-move): that is what is tested.
  queue.get();
  EXPECT_TRUE(queue.put(std::move(numbers), stopped()));
  EXPECT_EQ(queue.get()(999), 7);
}

TEST_F(Stop, IsNotTakenForTheFailureOfACodec) {
  Queue<Late> queue;
  queue.put(Late());
  const Result<Late> late = queue.get(std::stop_token());
  EXPECT_EQ(late.error(), Error::timed_out);
  EXPECT_EQ(late.failure().message, "too late");
}

TEST_F(Stop, EndsAJthreadOnceItHasTakenAllThatWasPut) {
  constexpr int kLast = 2000;
  Queue<int> queue;
  int sum = 0;
  {
    const std::jthread consumer([&](const std::stop_token& token) {
      while (const Result<int> number = queue.get(token)) sum += *number;
    });
    for (int i = 1; i <= kLast; ++i) queue.put(i);
  }
  EXPECT_EQ(sum, kLast * (kLast + 1) / 2);
}

TEST_F(Stop, LosesNoMessageThatComesWithIt) {
  constexpr int kRounds = 300;
  Queue<int> queue;
  for (int round = 0; round < kRounds; ++round) {
    std::latch together(3);
    Result<int> got = Error::empty;
    std::jthread getter([&](const std::stop_token& token) {
      together.arrive_and_wait();
      got = queue.get(token);
    });
    std::thread putter([&] {
      together.arrive_and_wait();
      queue.put(round);
    });
    together.arrive_and_wait();
    stop(getter);
    putter.join();
    if (!got) {
      ASSERT_EQ(got.error(), Error::stopped);
      got = queue.try_get();
    }
    ASSERT_EQ(got.value(), round);
    ASSERT_TRUE(queue.empty());
  }
}

TEST_F(Stop, ConcernsNoOthersWhoWait) {
  constexpr int kRounds = 30;
  Queue<int> queue;
  for (int round = 0; round < kRounds; ++round) {
    Result<int> first = Error::empty;
    Result<int> second = Error::empty;
    const auto get_to = [&queue](Result<int>& result) {
      return [&](const std::stop_token& token) { result = queue.get(token); };
    };
    std::jthread one = start_sleeper(get_to(first));
    std::jthread other = start_sleeper(get_to(second));
    std::thread putter([&] { queue.put(round); });
    stop(one);
    putter.join();
    // The message is the other's, or it has to wait for one more.
    if (first) queue.put(round);
    other.join();
    ASSERT_EQ(second.value(), round);
    ASSERT_TRUE(queue.empty());
  }
}

TEST_F(Stop, ConcernsNoOtherProcess) {
  Queue<int> queue;
  Queue<int> answers;
  os::testing::Child child([&] { answers.put(queue.get()); });
  os::testing::wait_until_asleep(child.pid());
  std::jthread getter =
      start_sleeper([&](const std::stop_token& token) { EXPECT_FALSE(queue.get(token)); });
  stop(getter);
  queue.put(5);
  EXPECT_EQ(answers.get(), 5);
  EXPECT_TRUE(child.collect().success());
}

// -- pipes ----------------------------------------------------------------------------------------

TEST_F(Stop, EndsWaitsForAPipe) {
  auto [here, there] = Pipe<int>();
  const auto wait = [&here](const std::stop_token& token) {
    EXPECT_FALSE(here.poll(token));
    EXPECT_EQ(here.recv(token).error(), Error::stopped);
  };
  wait(stopped());
  std::jthread receiver = start_sleeper(wait);
  stop(receiver);
  there.send(1);
  EXPECT_TRUE(here.poll(stopped()));
  EXPECT_EQ(here.recv(stopped()).value(), 1);
}

TEST_F(Stop, IsNoEndOfAStream) {
  auto [here, there] = Pipe<int>();
  there.send(1);
  there.close();
  EXPECT_EQ(here.recv(stopped()).value(), 1);
  EXPECT_TRUE(here.poll(stopped()));
  EXPECT_EQ(here.recv(stopped()).error(), Error::end_of_stream);
  EXPECT_EQ(here.send(1, stopped()).error(), Error::broken_pipe);
  here.close();
  EXPECT_EQ(here.recv(stopped()).error(), Error::closed);
}

TEST_F(Stop, EndsASendThatHasNoRoom) {
  const std::vector<std::byte> large(kBytesInFlight * 3 / 4);
  auto [here, there] = Pipe<std::vector<std::byte>, int>();
  EXPECT_TRUE(here.send(large, stopped()));
  EXPECT_EQ(here.send(large, stopped()).error(), Error::stopped);
  Error error = Error::none;
  std::jthread sender =
      start_sleeper([&](const std::stop_token& token) { error = here.send(large, token).error(); });
  stop(sender);
  EXPECT_EQ(error, Error::stopped);
  EXPECT_EQ(there.recv().size(), large.size());
  EXPECT_FALSE(there.poll());
}

}  // namespace
}  // namespace onecopy
