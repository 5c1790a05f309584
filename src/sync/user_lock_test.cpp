#include <onecopy/lock.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <onecopy/process.hpp>

#include "memory/family.hpp"
#include "os/testing.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using os::testing::Shared;

template <class Kind>
class UserLock : public ::testing::Test {
 protected:
  pid_t start_holder() {
    *held_ = false;
    const pid_t holder = start_process([this] {
      lock_.lock();
      *held_ = true;
      pause();
    });
    while (!*held_) {
    }
    return holder;
  }

  testing::Watchdog watchdog_{"user lock", 60};
  Shared<std::atomic<bool>> held_;
  Kind lock_;
};

using Kinds = ::testing::Types<Lock, RLock>;
TYPED_TEST_SUITE(UserLock, Kinds);

TYPED_TEST(UserLock, IsTakenByWhatTheStandardLibraryHas) {
  {
    const std::scoped_lock guard(this->lock_);
    const pid_t other = start_process([this] {
      EXPECT_FALSE(this->lock_.try_lock());
      EXPECT_FALSE(this->lock_.try_lock_for(5ms));
      EXPECT_FALSE(std::unique_lock(this->lock_, std::chrono::steady_clock::now() + 5ms));
    });
    EXPECT_TRUE(ended_well(other));
  }
  EXPECT_TRUE(this->lock_.try_lock());
  this->lock_.unlock();
}

TYPED_TEST(UserLock, GoesToTheNextWhenItsHolderIsKilled) {
  const pid_t holder = this->start_holder();
  EXPECT_EQ(this->lock_.recovered(), 0);
  kill_process(holder);
  this->lock_.lock();
  EXPECT_EQ(this->lock_.recovered(), holder);
  this->lock_.unlock();
}

TYPED_TEST(UserLock, GoesToTheNextWhenItsHolderEnds) {
  Process holder = Process::start([this] { this->lock_.lock(); }).value_or_throw();
  const int pid = holder.pid();
  EXPECT_EQ(*holder.join(), 0);
  this->lock_.lock();
  EXPECT_EQ(this->lock_.recovered(), pid);
  this->lock_.unlock();
}

TYPED_TEST(UserLock, ThatNobodyHoldsCannotBeReleased) {
  try {
    this->lock_.unlock();
    FAIL() << "released";
  } catch (const Exception& error) {
    EXPECT_EQ(error.error(), Error::invalid);
  }
}

TEST(Lock, IsReleasedByAnybody) {
  Lock lock;
  lock.lock();
  const pid_t other = start_process([&] { lock.unlock(); });
  EXPECT_TRUE(ended_well(other));
  EXPECT_TRUE(lock.try_lock());
}

TEST(RLock, IsTakenAgainByItsThreadAlone) {
  RLock lock;
  const std::scoped_lock outer(lock);
  const std::scoped_lock inner(lock);
  std::thread([&] {
    EXPECT_FALSE(lock.try_lock());
    EXPECT_THROW(lock.unlock(), Exception);
  }).join();
  const pid_t child = start_process([&] {
    EXPECT_FALSE(lock.try_lock()) << "though its thread is a copy of the one that holds it";
    EXPECT_THROW(lock.unlock(), Exception);
  });
  EXPECT_TRUE(ended_well(child));
}

}  // namespace
}  // namespace onecopy
