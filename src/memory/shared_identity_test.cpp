#include "memory/shared_identity.hpp"

#include <gtest/gtest.h>

namespace onecopy::memory {
namespace {

os::ProcessIdentity process(int pid, std::uint64_t start_time, std::uint64_t inode = 0) {
  os::ProcessIdentity identity{};
  identity.pid = pid;
  identity.start_time = start_time;
  identity.pidfd_inode = inode;
  return identity;
}

TEST(SharedIdentity, IsNobodysUntilItIsFilled) {
  SharedIdentity identity{};
  empty(identity, 7);
  EXPECT_EQ(identity_in(identity), std::nullopt);
  fill(identity, 7, process(100, 200, 300));
  EXPECT_EQ(identity_in(identity), process(100, 200, 300));
}

TEST(SharedIdentity, OfASystemWithoutInodesIsComplete) {
  SharedIdentity identity{};
  empty(identity, 7);
  fill(identity, 7, process(100, 200));
  EXPECT_EQ(identity_in(identity), process(100, 200));
}

TEST(SharedIdentity, IsNotCompleteWhereWhoFillsItDiedHalfway) {
  SharedIdentity identity{};
  empty(identity, 7);
  identity.pid = 100;
  EXPECT_EQ(identity_in(identity), std::nullopt);
  EXPECT_FALSE(fill(identity, 7, process(101, 201)));
  EXPECT_EQ(identity_in(identity), std::nullopt) << "and not made of two";
}

TEST(SharedIdentity, IsThatOfWhomWasStartedUntilOneHasCome) {
  SharedIdentity identity{};
  empty(identity, 7);
  fill_started(identity, 7, process(4'194'303, 1ULL << 40, 300));
  EXPECT_EQ(identity_in(identity), process(4'194'303, 1ULL << 40)) << "without the inode";
  identity.pid = 101;
  EXPECT_EQ(identity_in(identity), process(4'194'303, 1ULL << 40)) << "while one comes";
  EXPECT_TRUE(fill(identity, 7, process(101, 201, 301))) << "where a handler began anew";
  EXPECT_EQ(identity_in(identity), process(101, 201, 301));
}

TEST(SharedIdentity, IsNotMadeOfAPidAlone) {
  SharedIdentity identity{};
  empty(identity, 7);
  fill_started(identity, 7, process(100, 0));
  EXPECT_EQ(identity_in(identity), std::nullopt);
}

TEST(SharedIdentity, DoesNotChangeOnceItIsFilled) {
  SharedIdentity identity{};
  empty(identity, 7);
  fill(identity, 7, process(100, 200));
  fill_started(identity, 7, process(99, 199));
  EXPECT_FALSE(fill(identity, 7, process(101, 201, 301)));
  EXPECT_EQ(identity_in(identity), process(100, 200));
  EXPECT_TRUE(fill(identity, 7, process(100, 200, 300))) << "who has it already";
  EXPECT_EQ(identity_in(identity), process(100, 200));
}

TEST(SharedIdentity, KeepsOutWhoComesForAnEarlierGeneration) {
  SharedIdentity identity{};
  empty(identity, 7);
  empty(identity, 8);
  fill(identity, 7, process(100, 200, 300));
  fill_started(identity, 7, process(99, 199));
  EXPECT_EQ(identity_in(identity), std::nullopt);
  fill(identity, 8, process(101, 201, 301));
  fill(identity, 7, process(100, 200, 300));
  EXPECT_EQ(identity_in(identity), process(101, 201, 301));
}

}  // namespace
}  // namespace onecopy::memory
