#include <onecopy/semaphore.hpp>

#include <chrono>
#include <mutex>

#include <gtest/gtest.h>
#include <onecopy/process.hpp>

#include "memory/family.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;

template <class Kind>
class UserSemaphore : public ::testing::Test {
 protected:
  // A process that does `take` with the only unit, and nothing else.
  template <class Take>
  pid_t start_taker(Take take) {
    const pid_t taker = start_process([&] {
      take();
      pause();
    });
    while (semaphore_.value() != 0) {
    }
    return taker;
  }

  testing::Watchdog watchdog_{"user semaphore", 60};
  Kind semaphore_{1};
};

using Kinds = ::testing::Types<Semaphore, BoundedSemaphore>;
TYPED_TEST_SUITE(UserSemaphore, Kinds);

TYPED_TEST(UserSemaphore, IsTakenByOneAndGivenBackByAnother) {
  this->semaphore_.acquire();
  EXPECT_EQ(this->semaphore_.value(), 0);
  EXPECT_FALSE(this->semaphore_.try_acquire());
  EXPECT_FALSE(this->semaphore_.try_acquire_for(5ms));
  EXPECT_FALSE(this->semaphore_.try_acquire_until(std::chrono::steady_clock::now() + 5ms));

  Process other = Process::start([this] { this->semaphore_.release(); }).value_or_throw();
  this->semaphore_.acquire();

  EXPECT_EQ(*other.join(), 0);
  EXPECT_EQ(this->semaphore_.value(), 0);
  EXPECT_EQ(this->semaphore_.recovered(), 0);
}

TYPED_TEST(UserSemaphore, IsTakenByWhatTheStandardLibraryHas) {
  const std::scoped_lock guard(this->semaphore_);
  const pid_t other = start_process([this] {
    EXPECT_FALSE(this->semaphore_.try_lock());
    EXPECT_FALSE(this->semaphore_.try_lock_for(5ms));
    EXPECT_FALSE(std::unique_lock(this->semaphore_, std::chrono::steady_clock::now() + 5ms));
  });
  EXPECT_TRUE(ended_well(other));
}

TYPED_TEST(UserSemaphore, GetsALockedUnitBackFromAKilledProcess) {
  const pid_t holder = this->start_taker([this] { this->semaphore_.lock(); });
  kill_process(holder);
  this->semaphore_.acquire();
  EXPECT_EQ(this->semaphore_.recovered(), holder);
}

TYPED_TEST(UserSemaphore, GetsALockedUnitBackFromAProcessThatHasEnded) {
  Process holder = Process::start([this] { this->semaphore_.lock(); }).value_or_throw();
  const int pid = holder.pid();
  EXPECT_EQ(*holder.join(), 0);
  this->semaphore_.acquire();
  EXPECT_EQ(this->semaphore_.recovered(), pid);
}

TYPED_TEST(UserSemaphore, HasFrom0To2147483647Units) {
  EXPECT_EQ(TypeParam::create(-1).error(), Error::invalid);
  EXPECT_EQ(TypeParam::create(1ll << 31).error(), Error::invalid);
  EXPECT_EQ(TypeParam((1ll << 31) - 1).value(), (1ll << 31) - 1);
}

using UserBoundedSemaphore = UserSemaphore<BoundedSemaphore>;

TEST_F(UserBoundedSemaphore, HasNeverMoreThanItBeganWith) {
  try {
    semaphore_.release();
    FAIL() << "released";
  } catch (const Exception& error) {
    EXPECT_EQ(error.error(), Error::invalid);
  }
  EXPECT_EQ(semaphore_.value(), 1);
}

TEST_F(UserBoundedSemaphore, GetsAnAcquiredUnitBackFromAKilledProcess) {
  const pid_t holder = start_taker([this] { semaphore_.acquire(); });
  kill_process(holder);
  semaphore_.acquire();
  EXPECT_EQ(semaphore_.recovered(), holder);
}

using UserPlainSemaphore = UserSemaphore<Semaphore>;

TEST_F(UserPlainSemaphore, CountsSignals) {
  const pid_t giver = start_process([this] {
    for (int i = 0; i < 3; ++i) semaphore_.release();
  });
  EXPECT_TRUE(ended_well(giver));
  for (int i = 0; i < 4; ++i) semaphore_.acquire();
  EXPECT_FALSE(semaphore_.try_acquire());
}

TEST_F(UserPlainSemaphore, GivesNoSignalTwice) {
  kill_process(start_taker([this] { semaphore_.acquire(); }));
  memory::reclaim_dead();
  EXPECT_EQ(semaphore_.value(), 0) << "taken by who was killed";
  EXPECT_EQ(semaphore_.recovered(), 0);
}

}  // namespace
}  // namespace onecopy
