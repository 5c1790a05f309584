#include "os/descriptor_passing.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;

constexpr std::size_t kMuch = 1'024;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string text(const std::vector<std::byte>& payload) {
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

std::size_t open_descriptor_count() {
  DIR* const directory = opendir("/proc/self/fd");
  std::size_t count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

class DescriptorPassing : public ::testing::Test {
 protected:
  void SetUp() override {
    std::tie(one, other) = stream_pair(true).value();
    for (auto& bell : bells) bell = event_descriptor().value();
  }

  // Sends that many doorbells, beside "x".
  void send(std::size_t count) {
    std::vector<int> numbers;
    numbers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(bells[i].get());
    ASSERT_TRUE(send_descriptors(one.get(), numbers, bytes("x")));
  }

  Descriptor one;
  Descriptor other;
  std::array<Descriptor, 4> bells;
};

TEST_F(DescriptorPassing, ReachesAnotherProcess) {
  auto [reading, writing] = pipe_pair().value();
  const std::array numbers{writing.get()};
  ASSERT_TRUE(send_descriptors(one.get(), numbers, bytes("take this")));
  writing.reset();
  Child child([&] {
    const auto received = receive_descriptors(other.get(), 1, kMuch);
    if (!received || text(received->second) != "take this") return 1;
    return write_some(received->first.at(0).get(), "thanks", 6) ? 0 : 2;
  });
  EXPECT_TRUE(child.collect().success());
  char answer[6];
  EXPECT_EQ(read_some(reading.get(), answer, sizeof answer).value(), 6u);
}

TEST_F(DescriptorPassing, KeepsOrderAndIdentityAndClosesAtExec) {
  send(3);
  const auto received = receive_descriptors(other.get(), 3, kMuch);
  ASSERT_TRUE(received);
  ASSERT_EQ(received->first.size(), 3u);
  const std::uint64_t marks[] = {10, 20, 30};
  for (std::size_t i = 0; i < 3; ++i) {
    std::uint64_t seen = 0;
    ASSERT_TRUE(write_some(bells[i].get(), &marks[i], sizeof marks[i]));
    ASSERT_TRUE(read_some(received->first[i].get(), &seen, sizeof seen));
    EXPECT_EQ(seen, marks[i]);
    EXPECT_NE(fcntl(received->first[i].get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(DescriptorPassing, PayloadMayComeAlone) {
  ASSERT_TRUE(send_descriptors(one.get(), {}, bytes("alone")));
  const auto received = receive_descriptors(other.get(), 0, kMuch);
  ASSERT_TRUE(received);
  EXPECT_TRUE(received->first.empty());
  EXPECT_EQ(text(received->second), "alone");
}

TEST_F(DescriptorPassing, MoreThanExpectedIsAnErrorAndLeaksNothing) {
  const std::size_t before = open_descriptor_count();
  for (const std::size_t expected : {0u, 1u, 2u, 3u}) {
    send(4);
    EXPECT_EQ(receive_descriptors(other.get(), expected, kMuch).error(), Error::too_many)
        << "expecting " << expected;
    EXPECT_EQ(open_descriptor_count(), before);
  }
}

TEST_F(DescriptorPassing, AReceiverShortOfDescriptorsLosesNoneSilently) {
  send(4);
  Child child([&] {
    // Room for two more.
    const rlimit limit{64, 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    std::vector<Descriptor> all;
    while (auto copy = duplicate(other.get())) all.push_back(std::move(*copy));
    all.resize(all.size() - 2);
    if (receive_descriptors(other.get(), 4, kMuch).error() != Error::too_many) return 1;
    // The two that arrived were closed again.
    const auto a = duplicate(other.get());
    const auto b = duplicate(other.get());
    return a && b && duplicate(other.get()).error() == Error::too_many ? 0 : 2;
  });
  EXPECT_EQ(child.collect().as_exit_code(), 0);
}

TEST_F(DescriptorPassing, WhatNobodyReceivesIsClosed) {
  auto [reading, writing] = pipe_pair().value();
  const std::array numbers{writing.get()};
  ASSERT_TRUE(send_descriptors(one.get(), numbers, bytes("x")));
  writing.reset();
  EXPECT_TRUE(poll_one(reading.get(), true, false, Deadline::at(0)).timed_out);
  one.reset();
  other.reset();
  EXPECT_TRUE(poll_one(reading.get(), true, false, Deadline::never()).hung_up);
}

TEST_F(DescriptorPassing, TellsOfTheEnd) {
  EXPECT_EQ(receive_descriptors(other.get(), 1, kMuch).error(), Error::empty);
  one.reset();
  EXPECT_EQ(receive_descriptors(other.get(), 1, kMuch).error(), Error::end_of_stream);
  EXPECT_EQ(send_descriptors(other.get(), {}, bytes("x")).error(), Error::broken_pipe);
}

TEST_F(DescriptorPassing, SendsAllOrNothing) {
  const std::array wrong{bells[0].get(), 1 << 20};
  EXPECT_EQ(send_descriptors(one.get(), wrong, bytes("x")).error(), Error::closed);
  EXPECT_EQ(send_descriptors(one.get(), {}, {}).error(), Error::invalid);
  const std::vector<int> many(kMaxPassedDescriptors + 1, bells[0].get());
  EXPECT_EQ(send_descriptors(one.get(), many, bytes("x")).error(), Error::too_many);
  EXPECT_EQ(receive_descriptors(other.get(), 1, kMuch).error(), Error::empty);
}

TEST_F(DescriptorPassing, TakesAsManyAsTheKernelDoes) {
  const std::vector<int> many(kMaxPassedDescriptors, bells[0].get());
  ASSERT_TRUE(send_descriptors(one.get(), many, bytes("x")));
  const auto received = receive_descriptors(other.get(), kMaxPassedDescriptors, kMuch);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->first.size(), kMaxPassedDescriptors);
}

TEST_F(DescriptorPassing, TellsWhenNoRoomIsLeft) {
  const std::string much(1 << 16, 'x');
  while (write_some(one.get(), much.data(), much.size())) {
  }
  const std::array numbers{bells[0].get()};
  EXPECT_EQ(send_descriptors(one.get(), numbers, bytes("x")).error(), Error::full);
}

TEST_F(DescriptorPassing, SendsALongPayloadWhole) {
  const std::string much(4 << 20, 'x');
  Child child([&] {
    std::size_t length = 0;
    std::size_t descriptors = 0;
    while (length < much.size()) {
      if (!poll_one(other.get(), true, false, Deadline::never()).readable) return 1;
      const auto received = receive_descriptors(other.get(), 1, 1 << 16);
      if (!received) return 2;
      length += received->second.size();
      descriptors += received->first.size();
    }
    return length == much.size() && descriptors == 1 ? 0 : 3;
  });
  const std::array numbers{bells[0].get()};
  EXPECT_TRUE(send_descriptors(one.get(), numbers, bytes(much)));
  EXPECT_TRUE(child.collect().success());
}

TEST_F(DescriptorPassing, AMessageLongerThanExpectedIsAnError) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const Descriptor one(ends[0]);
  const Descriptor other(ends[1]);
  const std::array numbers{bells[0].get()};
  const std::size_t before = open_descriptor_count();
  ASSERT_TRUE(send_descriptors(one.get(), numbers, bytes("longer than four")));
  EXPECT_EQ(receive_descriptors(other.get(), 1, 4).error(), Error::too_many);
  EXPECT_EQ(open_descriptor_count(), before);
}

TEST_F(DescriptorPassing, TellsOfASignal) {
  ASSERT_EQ(fcntl(other.get(), F_SETFL, 0), 0) << "a socket that blocks";
  const testing::InterruptingSignal signal;
  Child waiter([&] {
    const auto received = receive_descriptors(other.get(), 1, kMuch);
    return received.error() == Error::interrupted ? 0 : 1;
  });
  EXPECT_TRUE(waiter.signal_until_end(SIGUSR1).success());
}

TEST_F(DescriptorPassing, NamesThePeer) {
  const PeerCredentials peer = peer_credentials(one.get()).value();
  EXPECT_EQ(peer.pid, process_id());
  EXPECT_EQ(peer.uid, user_id());
  EXPECT_FALSE(peer_credentials(bells[0].get()));
}

}  // namespace
}  // namespace onecopy::os
