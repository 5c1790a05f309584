#include <onecopy/array.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <numeric>
#include <vector>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "os/testing.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;
using os::testing::Shared;

TEST(Array, IsTheSameForEveryProcess) {
  Array<double> shared(1000);
  EXPECT_EQ(shared.size(), 1000u);
  EXPECT_EQ(std::accumulate(shared.span().begin(), shared.span().end(), 0.0), 0.0);
  const pid_t child = start_process([&] {
    for (std::size_t i = 0; i < shared.size(); ++i) shared.set(i, 0.5);
  });
  EXPECT_TRUE(ended_well(child));
  EXPECT_EQ(std::accumulate(shared.span().begin(), shared.span().end(), 0.0), 500.0);
  EXPECT_EQ(shared.get(999), 0.5);
}

TEST(Array, BeginsWithTheValuesGiven) {
  const std::vector<int> values{3, 1, 2};
  const Array<int> shared{std::span<const int>(values)};
  EXPECT_EQ(shared.get(0), 3);
  EXPECT_EQ(shared.get(2), 2);
}

// Of one byte, of a word, and of what no single store writes.
template <class Element>
class ArrayOf : public ::testing::Test {};
struct Odd {
  std::array<char, 3> bytes;
};
struct Large {
  std::array<double, 5> numbers;
};
using ElementTypes = ::testing::Types<char, short, float, double, std::array<int, 2>, Odd, Large>;
TYPED_TEST_SUITE(ArrayOf, ElementTypes);

TYPED_TEST(ArrayOf, HoldsElementsOfThatSize) {
  Array<TypeParam> shared(4);
  TypeParam element{};
  *reinterpret_cast<char*>(&element) = 7;
  shared.set(2, element);
  const TypeParam read = shared.get(2);
  EXPECT_EQ(std::memcmp(&read, &element, sizeof element), 0);
  const TypeParam untouched = shared.get(3);
  EXPECT_EQ(*reinterpret_cast<const char*>(&untouched), 0);
  const std::scoped_lock guard(shared.lock());
  shared.set(3, element);
  EXPECT_EQ(*reinterpret_cast<const char*>(&shared.span()[3]), 7);
}

TEST(Array, KeepsEverybodyOutWhileItsLockIsHeld) {
  const Watchdog watchdog("array", 60);
  Array<long> shared(1);
  Shared<std::atomic<bool>> over;
  const pid_t other = start_process([&] {
    for (long i = 0; !*over; ++i) shared.set(0, i);
  });
  while (shared.get(0) == 0) {
  }
  for (int round = 0; round < 100; ++round) {
    const std::scoped_lock guard(shared.lock());
    const std::atomic_ref<long> element(shared.span()[0]);
    const long before = element;
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(element, before);
  }
  *over = true;
  EXPECT_TRUE(ended_well(other));
}

TEST(Array, RefusesWhatIsOutside) {
  Array<int> shared(3);
  try {
    shared.get(3);
    FAIL() << "read";
  } catch (const Exception& error) {
    EXPECT_EQ(error.error(), Error::invalid);
    EXPECT_STREQ(error.what(), "index 3 is not below the size, 3");
  }
  EXPECT_THROW(shared.set(std::size_t(-1), 0), Exception);
  EXPECT_EQ(Array<double>::create(std::size_t(-1) / 4).error(), Error::no_memory);
  EXPECT_EQ(Array<double>(0).size(), 0u);
}

TEST(Array, IsFreedWithTheLastWhoHasIt) {
  Array<double> other(1000);
  memory::reclaim_dead();
  const std::uint64_t before = memory::take_census().in_use;
  {
    Array<double> shared(1000);
    EXPECT_GT(memory::take_census().in_use, before);
    kill_process(start_process([] { pause(); }));
  }
  memory::reclaim_dead();
  EXPECT_EQ(memory::take_census().in_use, before);
}

}  // namespace
}  // namespace onecopy
