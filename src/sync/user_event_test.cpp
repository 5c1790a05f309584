#include <onecopy/event.hpp>

#include <atomic>
#include <chrono>

#include <gtest/gtest.h>
#include <onecopy/process.hpp>

#include "os/testing.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;

class UserEvent : public ::testing::Test {
 protected:
  testing::Watchdog watchdog_{"user event", 60};
  Event event_;
};

TEST_F(UserEvent, LetsGoWhoWaits) {
  os::testing::Shared<std::atomic<int>> written;
  Process waiter = Process::start([&] {
                     event_.wait();
                     return written->load(std::memory_order_relaxed);
                   }).value_or_throw();
  written->store(7, std::memory_order_relaxed);
  event_.set();
  EXPECT_EQ(*waiter.join(), 7) << "what was written before it was set";
  EXPECT_TRUE(event_.is_set());
}

TEST_F(UserEvent, IsWaitedForSoLong) {
  EXPECT_FALSE(event_.wait_for(5ms));
  EXPECT_FALSE(event_.wait_until(std::chrono::steady_clock::now() + 5ms));
  event_.set();
  EXPECT_TRUE(event_.wait_for(0s));
  event_.clear();
  EXPECT_FALSE(event_.is_set());
  EXPECT_FALSE(event_.wait_for(0s));
}

TEST_F(UserEvent, IsSetForThoseWhoWaitedThoughItIsClearedAtOnce) {
  Process waiter = Process::start([&] { return event_.wait_for(1h) ? 0 : 1; }).value_or_throw();
  os::testing::wait_until_asleep(waiter.pid());
  event_.set();
  event_.clear();
  EXPECT_EQ(*waiter.join(), 0);
}

TEST_F(UserEvent, CaresForNoDeath) {
  const pid_t waiter = start_process([&] { event_.wait(); });
  os::testing::wait_until_asleep(waiter);
  kill_process(waiter);
  const pid_t setter = start_process([&] {
    event_.set();
    pause();
  });
  event_.wait();
  kill_process(setter);
  EXPECT_TRUE(event_.is_set());
}

}  // namespace
}  // namespace onecopy
