#include <onecopy/condition.hpp>

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
#include <onecopy/lock.hpp>
#include <onecopy/process.hpp>
#include <onecopy/value.hpp>

#include "os/testing.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;

template <class Kind>
class UserCondition : public ::testing::Test {
 protected:
  // A process that does `wait` under the lock; once this returns, it is being notified.
  template <class Wait>
  pid_t start_under_lock(Wait wait) {
    const pid_t waiter = start_process([&] {
      std::unique_lock guard(lock_);
      came_.set(came_.get() + 1);
      wait(guard);
    });
    ++started_;
    for (int came = 0; came != started_; came = came_.get()) {
    }
    const std::scoped_lock guard(lock_);  // which it has let go of
    return waiter;
  }
  // One that waits to be notified, and goes on with `then`.
  template <class Then>
  pid_t start_waiter(Then then) {
    return start_under_lock([&](std::unique_lock<Kind>& guard) {
      condition_.wait(guard);
      then();
    });
  }
  pid_t start_waiter() {
    return start_waiter([] {});
  }

  testing::Watchdog watchdog_{"user condition", 60};
  Kind lock_;
  Condition condition_;
  Value<int> came_;
  int started_ = 0;
};

using Kinds = ::testing::Types<Lock, RLock>;
TYPED_TEST_SUITE(UserCondition, Kinds);

TYPED_TEST(UserCondition, LetsProcessesHandOverUnderALock) {
  constexpr int kRounds = 500;
  Value<int> stock;
  Value<int> sold;
  Condition& changed = this->condition_;
  const auto buy = [&] {
    for (int i = 0; i < kRounds; ++i) {
      std::unique_lock guard(this->lock_);
      changed.wait(guard, [&] { return stock.get() > 0; });
      stock.set(stock.get() - 1);
      sold.set(sold.get() + 1);
      changed.notify_all();
    }
  };
  Process buyer = Process::start(buy).value_or_throw();
  std::thread other_buyer(buy);
  for (int i = 0; i < 2 * kRounds; ++i) {
    std::unique_lock guard(this->lock_);
    changed.wait(guard, [&] { return stock.get() == 0; });
    stock.set(1);
    changed.notify_all();
  }
  other_buyer.join();
  EXPECT_EQ(*buyer.join(), 0);
  EXPECT_EQ(sold.get(), 2 * kRounds);
}

TYPED_TEST(UserCondition, NotifiesWhoHasWaitedLongest) {
  const pid_t first = this->start_waiter();
  const pid_t second = this->start_waiter([this] { this->came_.set(-1); });
  this->condition_.notify_one();
  EXPECT_TRUE(ended_well(first));
  EXPECT_EQ(this->came_.get(), 2) << "the second waits";
  this->condition_.notify_one();
  EXPECT_TRUE(ended_well(second));
}

TYPED_TEST(UserCondition, HasTheLockAgainWhenItWasNotified) {
  Value<bool> mine;
  const pid_t waiter = this->start_waiter([&] {
    const pid_t other = start_process([&] { EXPECT_FALSE(this->lock_.try_lock()); });
    mine.set(ended_well(other));
  });
  this->condition_.notify_all();
  EXPECT_TRUE(ended_well(waiter));
  EXPECT_TRUE(mine.get());
}

TYPED_TEST(UserCondition, IsWaitedForSoLong) {
  const auto never = [] { return false; };
  const auto always = [] { return true; };
  const std::scoped_lock guard(this->lock_);
  Condition& condition = this->condition_;
  EXPECT_FALSE(condition.wait_for(this->lock_, 5ms));
  EXPECT_FALSE(condition.wait_until(this->lock_, std::chrono::steady_clock::now() + 5ms));
  EXPECT_FALSE(condition.wait_for(this->lock_, 5ms, never));
  EXPECT_FALSE(condition.wait_until(this->lock_, std::chrono::steady_clock::now() + 5ms, never));
  EXPECT_TRUE(condition.wait_for(this->lock_, 0s, always));
  EXPECT_TRUE(condition.wait_for(this->lock_, std::chrono::hours::max(), always));
}

TYPED_TEST(UserCondition, SpendsNothingOnTheDead) {
  const pid_t dead = this->start_waiter();
  const pid_t living = this->start_waiter();
  kill_process(dead);
  this->condition_.notify_one();
  EXPECT_TRUE(ended_well(living));
}

TYPED_TEST(UserCondition, PassesOnWhatAWaiterDiedWithBeforeItHadTheLockAgain) {
  pid_t living = 0;
  {
    const pid_t dead = this->start_waiter();
    living = this->start_waiter();
    const std::scoped_lock guard(this->lock_);
    this->condition_.notify_one();
    os::testing::wait_until_asleep(dead);
    kill_process(dead);
  }
  EXPECT_TRUE(ended_well(living));
}

// A lock that cannot be had again.
template <class Guard>
struct Once {
  void lock() { throw std::runtime_error("gone"); }
  void unlock() { guard.unlock(); }
  Guard& guard;
};

TYPED_TEST(UserCondition, PassesOnWhatAWaiterCannotComeBackWith) {
  const pid_t first = this->start_under_lock([this](auto& guard) {
    Once<std::unique_lock<TypeParam>> once{guard};
    EXPECT_THROW(this->condition_.wait(once), std::runtime_error);
  });
  const pid_t second = this->start_waiter();
  this->condition_.notify_one();
  EXPECT_TRUE(ended_well(first));
  EXPECT_TRUE(ended_well(second));
}

TYPED_TEST(UserCondition, IsNotWaitedForWithoutTheLock) {
  EXPECT_THROW(this->condition_.wait(this->lock_), Exception);
  const pid_t waiter = this->start_waiter();
  this->condition_.notify_one();
  EXPECT_TRUE(ended_well(waiter)) << "who was refused has no seat";
}

}  // namespace
}  // namespace onecopy
