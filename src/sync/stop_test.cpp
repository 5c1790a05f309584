// include/onecopy/stop.hpp, at events, semaphores and conditions.
#include <onecopy/stop.hpp>

#include <latch>
#include <mutex>
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>
#include <onecopy/condition.hpp>
#include <onecopy/event.hpp>
#include <onecopy/lock.hpp>
#include <onecopy/semaphore.hpp>

#include "testing/stopping.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using onecopy::testing::start_sleeper;
using onecopy::testing::stop;
using onecopy::testing::stopped;

class Stop : public ::testing::Test {
 protected:
  testing::Watchdog watchdog_{"stop", 100};
};

// -- events ---------------------------------------------------------------------------------------

TEST_F(Stop, EndsAWaitForAnEvent) {
  Event event;
  EXPECT_FALSE(event.wait(stopped()));
  std::jthread waiter =
      start_sleeper([&](const std::stop_token& token) { EXPECT_FALSE(event.wait(token)); });
  stop(waiter);
  event.set();
  EXPECT_TRUE(event.wait(stopped()));
}

TEST_F(Stop, LetsOthersWaitForTheEvent) {
  Event event;
  const auto wait_for = [&event](bool wanted) {
    return [&event, wanted](const std::stop_token& token) { EXPECT_EQ(event.wait(token), wanted); };
  };
  std::jthread one = start_sleeper(wait_for(false));
  std::jthread other = start_sleeper(wait_for(true));
  stop(one);
  event.set();
  other.join();
}

// -- semaphores -----------------------------------------------------------------------------------

TEST_F(Stop, EndsAWaitForAUnit) {
  Semaphore semaphore(1);
  EXPECT_TRUE(semaphore.acquire(stopped())) << "which is there";
  EXPECT_FALSE(semaphore.acquire(stopped()));
  std::jthread waiter =
      start_sleeper([&](const std::stop_token& token) { EXPECT_FALSE(semaphore.acquire(token)); });
  stop(waiter);
  EXPECT_EQ(semaphore.value(), 0);
  semaphore.release();
  EXPECT_EQ(semaphore.value(), 1);
}

TEST_F(Stop, LosesNoUnitThatComesWithIt) {
  constexpr int kRounds = 300;
  BoundedSemaphore semaphore(1);
  semaphore.acquire();
  for (int round = 0; round < kRounds; ++round) {
    std::latch together(3);
    bool taken = false;
    std::jthread taker([&](const std::stop_token& token) {
      together.arrive_and_wait();
      taken = semaphore.acquire(token);
    });
    std::thread giver([&] {
      together.arrive_and_wait();
      semaphore.release();
    });
    together.arrive_and_wait();
    stop(taker);
    giver.join();
    ASSERT_EQ(semaphore.value(), taken ? 0 : 1);
    if (!taken) semaphore.acquire();
  }
}

// -- conditions -----------------------------------------------------------------------------------

class StopOfACondition : public Stop {
 protected:
  // Waits until there is something in stock, and takes one. Whether it has.
  bool take(const std::stop_token& token) {
    std::unique_lock guard(lock_);
    const bool there = changed_.wait(guard, token, [this] { return stock_ > 0; });
    EXPECT_FALSE(lock_.try_lock()) << "this thread has it";
    if (there) --stock_;
    return there;
  }
  void deliver() {
    const std::scoped_lock guard(lock_);
    ++stock_;
    changed_.notify_one();
  }

  Lock lock_;
  Condition changed_;
  int stock_ = 0;
};

TEST_F(StopOfACondition, LeavesTheLastAnswer) {
  EXPECT_FALSE(take(stopped()));
  deliver();
  EXPECT_TRUE(take(stopped()));
  EXPECT_EQ(stock_, 0);
}

TEST_F(StopOfACondition, EndsAWait) {
  std::jthread waiter =
      start_sleeper([&](const std::stop_token& token) { EXPECT_FALSE(take(token)); });
  stop(waiter);
  EXPECT_TRUE(lock_.try_lock());
  lock_.unlock();
}

TEST_F(StopOfACondition, LosesNoNotificationThatComesWithIt) {
  constexpr int kRounds = 30;
  for (int round = 0; round < kRounds; ++round) {
    bool first = false;
    bool second = false;
    std::jthread one = start_sleeper([&](const std::stop_token& token) { first = take(token); });
    std::jthread other = start_sleeper([&](const std::stop_token& token) { second = take(token); });
    std::thread giver([&] { deliver(); });
    stop(one);
    giver.join();
    // What was notified of is the other's, or it has to wait for one more.
    if (first) deliver();
    other.join();
    ASSERT_TRUE(second);
    ASSERT_EQ(stock_, 0);
  }
}

}  // namespace
}  // namespace onecopy
