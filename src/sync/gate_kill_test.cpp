// Who touches, who takes the lock meanwhile, and who makes announcements free again, die after each
// instruction. The lock is to be had all the same, and no announcement is left.

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "sync/gate.hpp"
#include "sync/lock.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/locking.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::take;
using os::Deadline;

class GateKill : public ::testing::Test {
 protected:
  GateKill() { lock_.open_gate(); }

  void touch() const {
    if (Announcement* const own = lock_.begin_touch()) end_touch(own);
  }

  // Whoever takes it gets it, a touch too, and the announcement of the dead is used again.
  void expect_working() {
    EXPECT_NE(take(lock_), Locked::timed_out);
    EXPECT_EQ(lock_.begin_touch(), nullptr);
    EXPECT_TRUE(lock_.release());
    const pid_t other = start_process([this] {
      Announcement* const own = lock_.begin_touch();
      ASSERT_NE(own, nullptr);
      end_touch(own);
      EXPECT_EQ(take(lock_), Locked::yes);
      EXPECT_TRUE(lock_.release());
    });
    EXPECT_TRUE(ended_well(other));
    EXPECT_EQ(lock_.validate(), "");
    memory::reclaim_dead();
    EXPECT_EQ(memory::validate_memory(), "");
    const pid_t next = start_process([this] { EXPECT_EQ(own_announcement(), spare_); });
    EXPECT_TRUE(ended_well(next));
  }

  Lock lock_ = Lock::create().value();
  // This process has the first; what a lone child is given when nothing is left of others.
  Announcement* spare_ = own_announcement() + 1;
};

TEST_F(GateKill, WhoTouches) {
  kill_at_every_step(
      {.name = "gate, touch"}, [] {}, [this] { touch(); }, [this] { expect_working(); });
}

TEST_F(GateKill, WhoTakesTheLockWhileSomebodyTouches) {
  Announcement* own = nullptr;
  kill_at_every_step(
      {.name = "gate, take"}, [&] { own = lock_.begin_touch(); },
      [this] {
        // Times out: this process touches all the while.
        static_cast<void>(lock_.acquire(Deadline::after(os::kMillisecond)));
      },
      [&] {
        end_touch(own);
        expect_working();
      });
}

TEST_F(GateKill, WhoTakesTheLockFromADeadToucher) {
  kill_at_every_step(
      {.name = "gate, take from dead"},
      [this] {
        memory::reclaim_dead();
        const pid_t toucher = start_process([this] {
          static_cast<void>(lock_.begin_touch());
          pause();
        });
        while (spare_->touched == 0) {
        }
        kill_process(toucher);
      },
      [this] {
        static_cast<void>(take(lock_));
        lock_.release();
      },
      [this] { expect_working(); });
}

}  // namespace
}  // namespace onecopy::sync
