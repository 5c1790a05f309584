#include <onecopy/pipe.hpp>

#include <chrono>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "os/testing.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using os::testing::Child;

TEST(Pipe, CarriesValuesBothWays) {
  auto [here, there] = Pipe<int, std::string>();

  here.send(5);
  there.send("five");

  EXPECT_EQ(there.recv(), 5);
  EXPECT_EQ(here.recv(), "five");
}

TEST(Pipe, CarriesValuesBetweenProcesses) {
  Pipe<std::vector<double>, double> pipe;
  Child child([&] {
    pipe.first.close();
    for (;;) {
      Result<std::vector<double>> values = pipe.second.recv_for(1h);
      if (!values) return values.error() == Error::end_of_stream ? 0 : 1;
      pipe.second.send(std::accumulate(values->begin(), values->end(), 0.0));
    }
  });
  pipe.second.close();

  for (std::size_t count : {0u, 10u, 100'000u, 3u}) {
    pipe.first.send(std::vector<double>(count, 2));
    EXPECT_EQ(pipe.first.recv(), 2.0 * static_cast<double>(count));
  }
  pipe.first.close();

  EXPECT_TRUE(child.collect().success());
}

TEST(Pipe, EndsAfterEverythingWasReceived) {
  auto [here, there] = Pipe<int>();
  here.send(1);
  here.send(2);
  here.close();

  EXPECT_EQ(there.recv(), 1);
  EXPECT_EQ(*there.try_recv(), 2);
  EXPECT_EQ(there.try_recv().error(), Error::end_of_stream);
  EXPECT_EQ(there.recv_for(1h).error(), Error::end_of_stream);
  EXPECT_THROW(there.recv(), Exception);
}

TEST(Pipe, WakesAReceiverWhenTheOtherEndDies) {
  auto [here, there] = Pipe<int>();
  Pipe<int> ready;
  Child child([&, &here = here, &there = there] {
    here.close();
    ready.first.send(1);
    return there.recv_for(1h).error() == Error::end_of_stream ? 0 : 1;
  });
  // A second one that holds the other end, and is killed for it.
  Child holder([&, &there = there] {
    there.close();
    ready.first.send(2);
    for (;;) os::sleep_until(os::Deadline::never());
    return 0;
  });
  ready.second.recv();
  ready.second.recv();
  here.close();
  there.close();

  holder.kill();

  EXPECT_TRUE(child.collect().success());
}

TEST(Pipe, IsBrokenWhenNobodyIsLeftToReceive) {
  auto [here, there] = Pipe<int>();
  here.send(1);
  there.close();

  EXPECT_EQ(here.try_send(2).error(), Error::broken_pipe);
  EXPECT_EQ(here.send_for(2, 1h).error(), Error::broken_pipe);
  EXPECT_THROW(here.send(2), Exception);
}

TEST(Pipe, IsBrokenForASenderThatWaitsForRoom) {
  auto [here, there] = Pipe<std::vector<std::byte>, int>();
  const std::vector<std::byte> half(kBytesInFlight / 2 + 1);
  here.send(half);
  Child child([&, &here = here, &there = there] {
    there.close();
    return here.send_for(half, 1h).error() == Error::broken_pipe ? 0 : 1;
  });
  EXPECT_EQ(here.try_send(half).error(), Error::full);

  there.close();

  EXPECT_TRUE(child.collect().success());
}

TEST(Pipe, TellsWhetherThereIsSomethingToReceive) {
  auto [here, there] = Pipe<int>();
  EXPECT_FALSE(there.poll());
  EXPECT_FALSE(there.poll(1ms));

  here.send(1);
  EXPECT_TRUE(there.poll());
  EXPECT_TRUE(there.poll(1h));
  there.recv();
  EXPECT_FALSE(there.poll());

  here.close();
  EXPECT_TRUE(there.poll()) << "the end of the stream";
}

TEST(Pipe, GivesUpInTime) {
  auto [here, there] = Pipe<int>();

  EXPECT_EQ(here.try_recv().error(), Error::empty);
  EXPECT_EQ(here.recv_for(1ms).error(), Error::timed_out);
  EXPECT_EQ(here.recv_for(0s).error(), Error::timed_out);
}

TEST(Pipe, RefusesToUseAClosedEnd) {
  auto [here, there] = Pipe<int>();
  here.close();
  here.close();

  EXPECT_TRUE(here.closed());
  EXPECT_EQ(here.try_send(1).error(), Error::closed);
  EXPECT_EQ(here.try_recv().error(), Error::closed);
  EXPECT_THROW(here.poll(), Exception);
}

}  // namespace
}  // namespace onecopy
