#include <onecopy/value.hpp>

#include <array>
#include <csignal>
#include <stdexcept>

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "testing/process.hpp"

namespace onecopy {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;

struct Extent {
  double low = 0;
  double high = 0;
  bool operator==(const Extent&) const = default;
};

TEST(Value, IsTheSameForEveryProcess) {
  Value<double> value(1.5);

  EXPECT_TRUE(ended_well(start_process([&] { value.set(value.get() + 1); })));

  EXPECT_EQ(value.get(), 2.5);
}

TEST(Value, IsZeroWhereNothingIsSaid) { EXPECT_EQ(Value<int>().get(), 0); }

TEST(Value, MayBeAStruct) {
  Value<Extent> value(Extent{1, 2});

  EXPECT_TRUE(ended_well(start_process([&] { value.set({3, 4}); })));

  EXPECT_EQ(value.get(), (Extent{3, 4}));
}

TEST(Value, IsChangedByOneAfterTheOther) {
  Value<long> count(5);
  const auto work = [&] {
    for (int i = 0; i < 10'000; ++i) count.update([](long before) { return before + 1; });
  };

  const pid_t other = start_process(work);
  work();

  EXPECT_TRUE(ended_well(other));
  EXPECT_EQ(count.get(), 20'005);
}

TEST(Value, IsAsBeforeWhereItsChangeFails) {
  Value<int> value(7);

  EXPECT_THROW(value.update([](int) -> int { throw std::runtime_error("no"); }),
               std::runtime_error);

  EXPECT_EQ(value.get(), 7);
  EXPECT_TRUE(value.lock().try_lock()) << "its lock is free";
  value.lock().unlock();
}

TEST(Value, IsFreeAgainAfterADeathInItsChange) {
  Value<int> value(7);
  const pid_t child = start_process([&] {
    value.update([](int) -> int {
      raise(SIGKILL);
      return 8;
    });
  });
  EXPECT_FALSE(ended_well(child));

  EXPECT_EQ(value.update([](int before) { return before + 1; }), 8);
  EXPECT_EQ(value.lock().recovered(), child);
}

TEST(Value, IsFreedWithTheLastWhoHasIt) {
  Value<int> other;
  memory::reclaim_dead();
  const std::uint64_t before = memory::take_census().in_use;
  {
    Value<std::array<double, 1000>> value;
    EXPECT_GT(memory::take_census().in_use, before);
    kill_process(start_process([] { pause(); }));
  }
  memory::reclaim_dead();
  EXPECT_EQ(memory::take_census().in_use, before);
}

}  // namespace
}  // namespace onecopy
