#include "sync/event.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "sync/lock.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;
using os::Deadline;

Waited wait(Event& event, Deadline deadline = Deadline::never()) {
  const std::uint32_t since = event.since();
  Slices slices(deadline);
  Waited waited = Waited::again;
  while (waited == Waited::again) waited = event.wait(since, slices);
  return waited;
}

class EventTest : public ::testing::Test {
 protected:
  ~EventTest() override {
    EXPECT_EQ(event_.validate(), "");
    EXPECT_EQ(memory::validate_memory(), "");
  }

  Watchdog watchdog_{"event", 100};
  Event event_ = Event::create().value();
};

TEST_F(EventTest, IsSetAndCleared) {
  EXPECT_FALSE(event_.is_set());
  event_.set();
  event_.set();
  EXPECT_TRUE(event_.is_set());
  EXPECT_EQ(wait(event_), Waited::done);
  event_.clear();
  event_.clear();
  EXPECT_FALSE(event_.is_set());
}

TEST_F(EventTest, IsNotOpenedByTheNameOfSomethingElse) {
  const Lock lock = Lock::create().value();

  const auto opened = Event::open(lock.name());

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), Error::corrupt);
  EXPECT_FALSE(lock.is_held());
}

TEST_F(EventTest, TimesOutWhereNobodySetsIt) {
  const os::Nanoseconds begin = os::now();
  EXPECT_EQ(wait(event_, Deadline::after(0)), Waited::timed_out);
  EXPECT_EQ(wait(event_, Deadline::after(20 * os::kMillisecond)), Waited::timed_out);
  EXPECT_GE(os::now() - begin, 20 * os::kMillisecond);
}

TEST_F(EventTest, LetsAllGoOnWhoWait) {
  std::vector<pid_t> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.push_back(start_process([&] { EXPECT_EQ(wait(event_), Waited::done); }));
  }
  for (const pid_t waiter : waiters) os::testing::wait_until_asleep(waiter);
  event_.set();
  for (const pid_t waiter : waiters) EXPECT_TRUE(ended_well(waiter));
}

TEST_F(EventTest, LetsAllGoOnThoughItIsClearedAtOnce) {
  const pid_t waiter = start_process([&] { EXPECT_EQ(wait(event_), Waited::done); });
  os::testing::wait_until_asleep(waiter);
  event_.set();
  event_.clear();
  EXPECT_TRUE(ended_well(waiter));
}

TEST_F(EventTest, HandsOverWhatWasWrittenBefore) {
  int written = 0;
  std::thread other([&] {
    EXPECT_EQ(wait(event_), Waited::done);
    EXPECT_EQ(written, 1);
  });
  written = 1;
  event_.set();
  other.join();
}

TEST_F(EventTest, GoesToAndFroBetweenTwo) {
  Event back = Event::create().value();
  constexpr int kRounds = 2'000;
  const auto one_way = [](Event& from, Event& to) {
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_EQ(wait(from), Waited::done);
      from.clear();
      to.set();
    }
  };
  const pid_t other = start_process([&] { one_way(event_, back); });
  event_.set();
  one_way(back, event_);
  EXPECT_TRUE(ended_well(other));
}

TEST_F(EventTest, SendsAWaiterToItsSignals) {
  const os::testing::InterruptingSignal quiet;
  os::testing::Child waiter([&] {
    Slices slices(Deadline::never());
    EXPECT_EQ(event_.wait(event_.since(), slices), Waited::again);
    return 0;
  });
  EXPECT_TRUE(waiter.signal_until_end(SIGUSR1).success());
}

TEST_F(EventTest, CaresForNoDeath) {
  const pid_t waiter = start_process([&] { wait(event_); });
  os::testing::wait_until_asleep(waiter);
  kill_process(waiter);
  event_.set();
  EXPECT_EQ(wait(event_), Waited::done);
}

TEST_F(EventTest, IsOpenedByItsNameWhileSomebodyHoldsIt) {
  const memory::SharedName name = event_.name();
  Event::open(name).value().set();
  EXPECT_TRUE(event_.is_set());
  event_ = Event::create().value();
  EXPECT_EQ(Event::open(name).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::sync
