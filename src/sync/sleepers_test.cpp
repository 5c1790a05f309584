#include "sync/sleepers.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace onecopy::sync {
namespace {

TEST(Sleepers, AreCounted) {
  Sleepers sleepers{};
  EXPECT_FALSE(anyone(sleepers));
  const auto first = enter(sleepers);
  const auto second = enter(sleepers);
  EXPECT_TRUE(anyone(sleepers));
  leave(sleepers, first);
  EXPECT_TRUE(anyone(sleepers));
  leave(sleepers, second);
  EXPECT_FALSE(anyone(sleepers));
}

TEST(Sleepers, OfAnEarlierEpochAreForgottenAndTakeNobodyWithThem) {
  Sleepers sleepers{};
  const auto dead = enter(sleepers);
  const auto forgotten = enter(sleepers);
  reset(sleepers);
  EXPECT_FALSE(anyone(sleepers));
  const auto later = enter(sleepers);
  EXPECT_NE(later, dead);
  leave(sleepers, forgotten);
  EXPECT_TRUE(anyone(sleepers)) << "the later one sleeps on";
  leave(sleepers, later);
  EXPECT_FALSE(anyone(sleepers));
}

TEST(Sleepers, EpochsWrap) {
  Sleepers sleepers{};
  for (int i = 0; i < 70'000; ++i) {
    enter(sleepers);
    reset(sleepers);
    ASSERT_FALSE(anyone(sleepers));
  }
  leave(sleepers, enter(sleepers));
  EXPECT_FALSE(anyone(sleepers));
}

TEST(Sleepers, ComeAndGoWhileOthersAreForgotten) {
  Sleepers sleepers{};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20'000; ++round) {
        const auto epoch = enter(sleepers);
        if (i == 0 && round % 100 == 0) reset(sleepers);
        leave(sleepers, epoch);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(anyone(sleepers));
}

}  // namespace
}  // namespace onecopy::sync
