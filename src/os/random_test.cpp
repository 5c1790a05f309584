#include "os/random.hpp"

#include <cerrno>
#include <set>

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

TEST(Random, DrawsEveryNumberOnce) {
  std::set<std::uint64_t> drawn;
  std::uint64_t ever_set = 0;
  std::uint64_t always_set = ~std::uint64_t{0};
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t number = random_u64();
    drawn.insert(number);
    ever_set |= number;
    always_set &= number;
  }
  EXPECT_EQ(drawn.size(), 1'000u);
  EXPECT_EQ(ever_set, ~std::uint64_t{0});
  EXPECT_EQ(always_set, 0u);
}

TEST(Random, DrawsOtherNumbersInAForkChild) {
  testing::Shared<std::uint64_t> theirs;
  testing::run_in_child([&] {
    *theirs = random_u64();
    return 0;
  });
  EXPECT_NE(*theirs, random_u64());
}

TEST(Random, TurnsToTheDeviceWhereTheCallIsDenied) {
  const auto status = testing::run_in_child([] {
    if (!testing::deny_system_calls({SYS_getrandom}, ENOSYS)) return 100;
    return random_u64() != random_u64() ? 0 : 1;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(RandomDeathTest, AbortsRatherThanBeGuessable) {
  EXPECT_DEATH(
      {
        testing::deny_system_calls({SYS_getrandom, SYS_open, SYS_openat}, EPERM);
        random_u64();
      },
      "neither getrandom");
}

}  // namespace
}  // namespace onecopy::os
