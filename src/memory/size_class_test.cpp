#include "memory/size_class.hpp"

#include <gtest/gtest.h>

#include "testing/seed.hpp"

namespace onecopy::memory {
namespace {

// Of any order of magnitude that there is a class for.
std::uint64_t some_size(std::mt19937_64& random) {
  return (random() >> random() % 64) % class_bytes(kSizeClasses - 1) + 1;
}

TEST(SizeClass, HoldsWhatItIsChosenFor) {
  auto random = onecopy::testing::random_for("size class");
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t bytes = some_size(random);
    const std::uint32_t chosen = class_of(bytes);
    ASSERT_LT(chosen, kSizeClasses) << bytes;
    ASSERT_GE(class_bytes(chosen), bytes);
  }
}

TEST(SizeClass, IsTheSmallestThatHoldsIt) {
  auto random = onecopy::testing::random_for("size class, smallest");
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t bytes = some_size(random);
    const std::uint32_t chosen = class_of(bytes);
    for (std::uint32_t smaller = 0; smaller < chosen; ++smaller) {
      ASSERT_LT(class_bytes(smaller), bytes) << smaller << " holds " << bytes << " too";
    }
  }
}

TEST(SizeClass, WastesAtMostAnEighthAndAPage) {
  auto random = onecopy::testing::random_for("size class, waste");
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t bytes = some_size(random);
    ASSERT_LE(class_bytes(class_of(bytes)), bytes + bytes / 8 + kSmallestBlock) << bytes;
  }
}

TEST(SizeClass, IsRightAroundEachBoundary) {
  for (std::uint32_t c = 0; c + 1 < kSizeClasses && class_bytes(c + 1) < 1ull << 48; ++c) {
    ASSERT_LE(class_bytes(c), class_bytes(c + 1));
    ASSERT_EQ(class_bytes(c) % kSmallestBlock, 0u);
    ASSERT_EQ(class_bytes(class_of(class_bytes(c))), class_bytes(c));
    ASSERT_GT(class_bytes(class_of(class_bytes(c) + 1)), class_bytes(c));
  }
}

TEST(SizeClass, RefusesWhatNoneHolds) {
  EXPECT_EQ(class_of(class_bytes(kSizeClasses - 1)), kSizeClasses - 1);
  EXPECT_EQ(class_of(class_bytes(kSizeClasses - 1) + 1), kSizeClasses);
  EXPECT_EQ(class_of(~std::uint64_t{0}), kSizeClasses);
  EXPECT_EQ(class_of(0), 0u);
}

}  // namespace
}  // namespace onecopy::memory
