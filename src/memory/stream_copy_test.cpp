#include "memory/stream_copy.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "testing/seed.hpp"

namespace onecopy::memory {
namespace {

std::vector<std::byte> random_bytes(std::size_t count, std::mt19937_64& random) {
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// Whatever the lengths and the places: what was asked for is there, and nothing around it changed.
TEST(StreamCopy, CopiesEveryByteAndNoOther) {
  std::mt19937_64 random = testing::random_for("stream copy");
  constexpr std::size_t kMargin = 128;
  for (int round = 0; round < 300; ++round) {
    const std::size_t bytes = random() % (3 * kSmallestStream);
    const std::vector<std::byte> source = random_bytes(bytes + kMargin, random);
    const std::vector<std::byte> before = random_bytes(bytes + 2 * kMargin, random);
    const std::size_t from = random() % kMargin;
    const std::size_t to = random() % kMargin;

    std::vector<std::byte> target = before;
    stream_copy(target.data() + to, source.data() + from, bytes);

    std::vector<std::byte> expected = before;
    std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(from), bytes,
                expected.begin() + static_cast<std::ptrdiff_t>(to));
    ASSERT_EQ(target, expected) << bytes << " bytes from " << from << " to " << to;
  }
}

TEST(StreamCopy, IsSeenWholeByWhoeverSeesTheStoreAfterIt) {
  constexpr std::size_t kBytes = 4 * kSmallestStream;
  constexpr int kRounds = 2000;
  std::vector<std::byte> shared(kBytes);
  std::atomic<int> published{0};
  std::atomic<int> read{0};
  std::thread writer([&] {
    for (int round = 1; round <= kRounds; ++round) {
      const std::vector<std::byte> source(kBytes, static_cast<std::byte>(round));
      stream_copy(shared.data(), source.data(), kBytes);
      published.store(round, std::memory_order_release);
      while (read.load(std::memory_order_acquire) != round) std::this_thread::yield();
    }
  });
  int wrong = 0;
  for (int round = 1; round <= kRounds; ++round) {
    while (published.load(std::memory_order_acquire) != round) std::this_thread::yield();
    for (const std::byte byte : shared) wrong += byte != static_cast<std::byte>(round);
    read.store(round, std::memory_order_release);
  }
  writer.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace onecopy::memory
