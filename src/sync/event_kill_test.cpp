// Who sets an event, who clears it and who waits for it die after each instruction. It is set or
// not, and whoever waits for it goes on.

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "sync/event.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::start_process;
using os::Deadline;

Waited wait(Event& event, Deadline deadline = Deadline::never()) {
  const std::uint32_t since = event.since();
  Slices slices(deadline);
  Waited waited = Waited::again;
  while (waited == Waited::again) waited = event.wait(since, slices);
  return waited;
}

class EventKill : public ::testing::Test {
 protected:
  EventKill() { before_ = memory::take_census().in_use; }

  void expect_working() {
    EXPECT_EQ(event_.validate(), "");
    event_.clear();
    const pid_t waiter = start_process([this] { EXPECT_EQ(wait(event_), Waited::done); });
    event_.set();
    EXPECT_TRUE(ended_well(waiter));
    event_ = Event::create().value();
    memory::reclaim_dead();
    EXPECT_EQ(memory::reclaim_dead(), 0u);
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
  }

  Event event_ = Event::create().value();
  pid_t sleeper_ = 0;
  std::uint64_t before_ = 0;  // bytes in use with one event
};

TEST_F(EventKill, WhoSetsAndClearsIt) {
  kill_at_every_step(
      {.name = "event, set and clear"}, [] {},
      [this] {
        event_.set();
        event_.clear();
      },
      [this] { expect_working(); });
}

TEST_F(EventKill, WhoSetsItWhileAnotherSleeps) {
  kill_at_every_step(
      {.name = "event, wake", .sample = 60},
      [this] {
        sleeper_ = start_process([this] { EXPECT_EQ(wait(event_), Waited::done); });
        os::testing::wait_until_asleep(sleeper_);
      },
      [this] { event_.set(); },
      [this] {
        // Set by the dead one, or by this one: the sleeper goes on.
        event_.set();
        EXPECT_TRUE(ended_well(sleeper_));
        expect_working();
      });
}

TEST_F(EventKill, AWaiter) {
  kill_at_every_step(
      {.name = "event, wait"}, [] {}, [this] { wait(event_, Deadline::after(os::kMillisecond)); },
      [this] { expect_working(); });
}

}  // namespace
}  // namespace onecopy::sync
