// Users of the public synchronization kinds die after each instruction of what they do with them.
// Those who are left go on as the headers say, and nothing is leaked.

#include <chrono>
#include <mutex>
#include <optional>

#include <gtest/gtest.h>
#include <onecopy/barrier.hpp>
#include <onecopy/condition.hpp>
#include <onecopy/event.hpp>
#include <onecopy/lock.hpp>
#include <onecopy/semaphore.hpp>
#include <onecopy/value.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::start_process;

class UserKill : public ::testing::Test {
 protected:
  struct Things {
    RLock lock;
    BoundedSemaphore seats{1};
    Condition changed;
    Event ready;
    Barrier meeting{2};
    Value<int> stock;
  };

  UserKill() {
    things_.emplace();
    before_ = memory::take_census().in_use;
  }

  // Started by prepare(), and asleep: nobody has the lock or a seat.
  template <class Body>
  void start_other(Body body) {
    other_ = start_process(body);
    os::testing::wait_until_asleep(other_);
  }

  void expect_no_leak() {
    things_.reset();
    things_.emplace();
    memory::reclaim_dead();
    EXPECT_EQ(memory::reclaim_dead(), 0u);
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
  }

  std::optional<Things> things_;
  pid_t other_ = 0;
  std::uint64_t before_ = 0;  // bytes in use with these things
};

TEST_F(UserKill, WhoHoldsALockTwice) {
  kill_at_every_step(
      {.name = "user, lock"}, [] {},
      [this] {
        const std::scoped_lock outer(things_->lock);
        const std::scoped_lock inner(things_->lock);
      },
      [this] {
        {
          const std::scoped_lock guard(things_->lock);
        }
        EXPECT_TRUE(ended_well(start_process([this] { things_->lock.lock(); })));
        expect_no_leak();
      });
}

TEST_F(UserKill, WhoHasASeat) {
  kill_at_every_step(
      {.name = "user, semaphore"}, [] {}, [this] { const std::scoped_lock seat(things_->seats); },
      [this] {
        things_->seats.acquire();
        EXPECT_FALSE(things_->seats.try_acquire());
        things_->seats.release();
        expect_no_leak();
      });
}

// Where it died before its change, or before it told of it, another does both.
TEST_F(UserKill, WhoChangesSomethingAndNotifies) {
  kill_at_every_step(
      {.name = "user, notify"},
      [this] {
        start_other([this] {
          std::unique_lock guard(things_->lock);
          things_->changed.wait(guard, [this] { return things_->stock.get() > 0; });
        });
      },
      [this] {
        const std::scoped_lock guard(things_->lock);
        things_->stock.set(1);
        things_->changed.notify_one();
      },
      [this] {
        {
          const std::scoped_lock guard(things_->lock);
          things_->stock.set(1);
          things_->changed.notify_one();
        }
        EXPECT_TRUE(ended_well(other_));
        expect_no_leak();
      });
}

// What it left of its wait takes no notification from who waits after it.
TEST_F(UserKill, AWaiter) {
  kill_at_every_step(
      {.name = "user, wait", .sample = 100}, [] {},
      [this] {
        std::unique_lock guard(things_->lock);
        things_->stock.set(1);
        things_->changed.wait_for(guard, 1ms);
      },
      [this] {
        std::unique_lock guard(things_->lock);
        EXPECT_FALSE(things_->changed.wait_for(guard, 0s));
        guard.unlock();
        start_other([this] {
          std::unique_lock waiting(things_->lock);
          things_->changed.wait(waiting);
        });
        guard.lock();
        things_->changed.notify_one();
        guard.unlock();
        EXPECT_TRUE(ended_well(other_)) << "not spent on the dead";
        expect_no_leak();
      });
}

TEST_F(UserKill, WhoSetsAnEvent) {
  kill_at_every_step(
      {.name = "user, event"}, [this] { start_other([this] { things_->ready.wait(); }); },
      [this] { things_->ready.set(); },
      [this] {
        things_->ready.set();
        EXPECT_TRUE(ended_well(other_));
        expect_no_leak();
      });
}

TEST_F(UserKill, AParty) {
  kill_at_every_step(
      {.name = "user, barrier", .sample = 100},
      [this] {
        // Passes with the other, or finds the barrier broken.
        start_other([this] { static_cast<void>(things_->meeting.wait_for(1h)); });
        while (things_->meeting.waiting() == 0) {
        }
      },
      [this] { static_cast<void>(things_->meeting.wait_for(1h)); },
      [this] {
        memory::reclaim_dead();
        if (things_->meeting.waiting() != 0) things_->meeting.abort();  // the dead one had not come
        EXPECT_TRUE(ended_well(other_));
        things_->meeting.reset();
        start_other([this] { things_->meeting.wait(); });
        things_->meeting.wait();
        EXPECT_TRUE(ended_well(other_));
        expect_no_leak();
      });
}

}  // namespace
}  // namespace onecopy
