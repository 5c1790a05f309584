#include "memory/owner_lock.hpp"

#include <gtest/gtest.h>

#include <sys/time.h>

#include <atomic>
#include <thread>
#include <vector>

#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "os/testing.hpp"
#include "testing/process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;
using os::testing::Shared;

class OwnerLockTest : public ::testing::Test {
 protected:
  OwnerLockTest() { EXPECT_TRUE(join_family()); }

  // A member that has the lock, and goes on with `then`.
  template <class Then>
  pid_t start_holder(Then then) {
    const pid_t holder = start_process([&] {
      ASSERT_EQ(memory::lock(lock()), Acquired::clean);
      then();
    });
    while (lock().word.load() == 0) {
    }
    return holder;
  }
  void leave_dead_holder() {
    kill_process(start_holder([] { pause(); }));
  }

  OwnerLock& lock() { return *lock_; }
  bool is_mine() { return (lock().word & ~kLockContended) == local().lock_word; }

  Watchdog watchdog_{"owner lock", 100};
  Shared<OwnerLock> lock_;
};

TEST_F(OwnerLockTest, IsTakenAndGivenBack) {
  EXPECT_FALSE(is_mine());
  EXPECT_EQ(memory::lock(lock()), Acquired::clean);
  EXPECT_TRUE(is_mine());
  unlock(lock());
  EXPECT_FALSE(is_mine());
  EXPECT_EQ(try_lock(lock()), Acquired::clean);
  unlock(lock());
}

TEST_F(OwnerLockTest, IsBusyWhileAnotherHasIt) {
  const pid_t holder = start_holder([] { pause(); });
  EXPECT_EQ(try_lock(lock()), Acquired::busy);
  EXPECT_EQ(lock_if_free_or_dead(lock()), Acquired::busy);
  kill_process(holder);
  EXPECT_EQ(try_lock(lock()), Acquired::busy) << "trying does not ask whether the owner lives";
}

TEST_F(OwnerLockTest, ExcludesThreadsAndProcesses) {
  struct Counters {
    std::uint64_t plain;
    std::atomic<std::uint64_t> rounds;
  };
  Shared<Counters> counters;
  constexpr int kRounds = 20'000;
  const auto work = [&] {
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_EQ(memory::lock(lock()), Acquired::clean);
      counters->plain = counters->plain + 1;
      unlock(lock());
      ++counters->rounds;
    }
  };
  const pid_t other = start_process(work);
  std::thread thread(work);
  work();
  thread.join();
  EXPECT_TRUE(ended_well(other));
  EXPECT_EQ(counters->plain, 3u * kRounds);
  EXPECT_EQ(counters->rounds, 3u * kRounds);
}

TEST_F(OwnerLockTest, GoesToTheNextWhenItsOwnerIsDead) {
  leave_dead_holder();
  EXPECT_EQ(memory::lock(lock()), Acquired::from_dead);
  unlock(lock());
  EXPECT_EQ(memory::lock(lock()), Acquired::clean) << "and is an ordinary lock again";
  unlock(lock());
}

TEST_F(OwnerLockTest, GoesToWhoLooksWithoutWaiting) {
  leave_dead_holder();
  EXPECT_EQ(lock_if_free_or_dead(lock()), Acquired::from_dead);
  unlock(lock());
}

TEST_F(OwnerLockTest, GoesToOneOfManyWaiters) {
  const pid_t holder = start_holder([] { pause(); });
  Shared<std::atomic<int>> from_dead;
  std::vector<pid_t> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.push_back(start_process([&] {
      if (memory::lock(lock()) == Acquired::from_dead) ++*from_dead;
      unlock(lock());
    }));
  }
  kill_process(holder);
  for (const pid_t waiter : waiters) EXPECT_TRUE(ended_well(waiter));
  EXPECT_EQ(from_dead->load(), 1);
}

TEST_F(OwnerLockTest, IsKeptByAnOwnerThatIsStopped) {
  const pid_t holder = start_holder([&] {
    raise(SIGSTOP);
    unlock(lock());
  });
  int status = 0;
  ASSERT_EQ(waitpid(holder, &status, WUNTRACED), holder);
  std::thread continuer([&] {
    // Longer than any slice: the waiter asks at least once whether the owner lives.
    os::sleep_until(os::Deadline::after(120 * os::kMillisecond));
    kill(holder, SIGCONT);
  });
  EXPECT_EQ(memory::lock(lock()), Acquired::clean);
  unlock(lock());
  continuer.join();
  EXPECT_TRUE(ended_well(holder));
}

// Once each signal began the wait anew: a program with a fast timer never found out that the owner
// was dead.
TEST_F(OwnerLockTest, GoesToTheNextInAStormOfSignals) {
  leave_dead_holder();
  const os::testing::InterruptingSignal handler;
  const pid_t waiter = start_process([&] {
    EXPECT_EQ(memory::lock(lock()), Acquired::from_dead);
    unlock(lock());
  });
  // A signal every so often, far more often than the slices end.
  for (;;) {
    kill(waiter, SIGUSR1);
    const auto status = os::wait_process(waiter, os::Deadline::after(os::kMillisecond / 5));
    if (!status) continue;
    EXPECT_TRUE(status->success());
    break;
  }
}

TEST_F(OwnerLockTest, OfADeadMemberIsFoundByItsName) {
  const pid_t holder = start_holder([] { pause(); });
  const std::uint32_t word = lock().word.load();
  const Slot slot = slot_in_lock(word);
  const std::uint32_t generation = generation_of(slot);
  EXPECT_EQ(word & ~kLockContended, lock_word(slot, generation));
  kill_process(holder);
  EXPECT_FALSE(lock_of_dead(lock(), slot, generation + 1));
  EXPECT_FALSE(lock_of_dead(lock(), slot + 1, generation));
  EXPECT_TRUE(lock_of_dead(lock(), slot, generation));
  EXPECT_TRUE(is_mine());
  EXPECT_FALSE(lock_of_dead(lock(), slot, generation));
  unlock(lock());
}

// The name of a slot used again is another name: who held the lock under the old one is dead.
TEST_F(OwnerLockTest, IsNotThoughtToBeHeldByTheNextInTheSameSlot) {
  reclaim_dead();  // what other tests left, so that the lowest slot is the one used again
  leave_dead_holder();
  reclaim_dead();
  const Slot slot = slot_in_lock(lock().word);
  const pid_t next = start_process([] { pause(); });
  while (!is_living(slot)) {
  }
  EXPECT_EQ(memory::lock(lock()), Acquired::from_dead);
  unlock(lock());
  kill_process(next);
}

TEST(LockWord, NamesEveryMemberAndWrapsItsGeneration) {
  EXPECT_NE(lock_word(0, 1), 0u);
  EXPECT_NE(lock_word(0, 1), lock_word(1, 1));
  EXPECT_NE(lock_word(0, 1), lock_word(0, 2));
  EXPECT_EQ(lock_word(kMaxMembers - 1, 0xffffffff) >> 31, 0u) << "the top bit is for waiters";
  EXPECT_EQ(lock_word(3, 5), lock_word(3, 5 + (1u << 20)));
  EXPECT_EQ(slot_in_lock(lock_word(kMaxMembers - 1, 7) | kLockContended), kMaxMembers - 1);
  EXPECT_EQ(generation_in_lock(lock_word(kMaxMembers - 1, 7) | kLockContended), 7u);
}

}  // namespace
}  // namespace onecopy::memory
