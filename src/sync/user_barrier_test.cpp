#include <onecopy/barrier.hpp>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
#include <onecopy/process.hpp>
#include <onecopy/value.hpp>

#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;

class UserBarrier : public ::testing::Test {
 protected:
  // A process that waits for the other party, and is to find the barrier broken.
  pid_t start_party() {
    const pid_t party =
        start_process([this] { EXPECT_EQ(two_.wait_for(1h).error(), Error::broken_barrier); });
    while (two_.waiting() == 0) {
    }
    return party;
  }

  testing::Watchdog watchdog_{"user barrier", 60};
  Barrier two_{2};
};

TEST_F(UserBarrier, LetsAllGoOnWhenAllHaveCome) {
  constexpr int kRounds = 200;
  constexpr int kParties = 3;
  Value<int> acted;
  Value<int> came;
  Barrier step(kParties, [&] {
    EXPECT_EQ(came.get(), kParties * (acted.get() + 1)) << "before all have come";
    acted.set(acted.get() + 1);
  });
  const auto work = [&] {
    std::ptrdiff_t first = 0;
    for (int round = 0; round < kRounds; ++round) {
      came.update([](int before) { return before + 1; });
      if (step.wait() == 0) ++first;
    }
    return first;
  };
  Process one = Process::start([&] { return static_cast<int>(work()); }).value_or_throw();
  Process two = Process::start([&] { return static_cast<int>(work()); }).value_or_throw();
  const std::ptrdiff_t mine = work();
  EXPECT_EQ(mine + *one.join() + *two.join(), kRounds) << "one of them is the first each time";
  EXPECT_EQ(acted.get(), kRounds);
}

TEST_F(UserBarrier, TellsWhatItIs) {
  EXPECT_EQ(two_.parties(), 2);
  EXPECT_EQ(two_.waiting(), 0);
  EXPECT_FALSE(two_.broken());
  const pid_t party = start_party();
  EXPECT_EQ(two_.waiting(), 1);
  two_.abort();
  EXPECT_TRUE(two_.broken());
  EXPECT_TRUE(ended_well(party));
}

TEST_F(UserBarrier, HasFrom1To2147483647Parties) {
  EXPECT_EQ(Barrier::create(0).error(), Error::invalid);
  EXPECT_EQ(Barrier::create(1ll << 31).error(), Error::invalid);
  EXPECT_EQ(Barrier((1ll << 31) - 1).parties(), (1ll << 31) - 1);
}

TEST_F(UserBarrier, IsBrokenByAPartyWhoseTimeIsOver) {
  EXPECT_EQ(two_.wait_for(5ms).error(), Error::broken_barrier);
  EXPECT_EQ(two_.wait_until(std::chrono::steady_clock::now()).error(), Error::broken_barrier);
  try {
    two_.wait();
    FAIL() << "passed";
  } catch (const Exception& error) {
    EXPECT_EQ(error.error(), Error::broken_barrier);
  }
}

TEST_F(UserBarrier, IsAsNewAfterAReset) {
  two_.abort();
  two_.reset();
  Process other = Process::start([this] { return static_cast<int>(two_.wait()); }).value_or_throw();
  EXPECT_EQ(two_.wait() + *other.join(), 1);
}

TEST_F(UserBarrier, LetsNobodyWaitAcrossAReset) {
  const pid_t party = start_party();
  two_.reset();
  EXPECT_TRUE(ended_well(party));
  EXPECT_FALSE(two_.broken());
}

TEST_F(UserBarrier, IsBrokenByAnActionThatThrows) {
  Barrier failing(2, [] { throw std::runtime_error("what went wrong"); });
  std::thread other([&] {
    while (failing.waiting() == 0) {
    }
    EXPECT_THROW(failing.wait(), std::runtime_error);
  });
  EXPECT_EQ(failing.wait_for(1h).error(), Error::broken_barrier);
  other.join();
}

TEST_F(UserBarrier, IsBrokenByAPartyThatIsKilledWhileItWaits) {
  Barrier three(3);
  const auto start = [&] {
    const std::ptrdiff_t before = three.waiting();
    const pid_t party =
        start_process([&] { EXPECT_EQ(three.wait_for(1h).error(), Error::broken_barrier); });
    while (three.waiting() == before) {
    }
    return party;
  };
  const pid_t dead = start();
  const pid_t living = start();
  kill_process(dead);
  EXPECT_TRUE(ended_well(living));
  EXPECT_TRUE(three.broken());
}

TEST_F(UserBarrier, IsBrokenByWhoIsKilledWhileItActs) {
  Barrier deadly(2, [] { raise(SIGKILL); });
  const pid_t actor = start_process([&] {
    while (deadly.waiting() == 0) {
    }
    deadly.wait();
  });
  EXPECT_EQ(deadly.wait_for(1h).error(), Error::broken_barrier);
  EXPECT_FALSE(ended_well(actor));
}

}  // namespace
}  // namespace onecopy
