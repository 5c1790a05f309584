#include "os/futex.hpp"

#include <climits>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>

#include "os/cpu.hpp"
#include "os/memory_file.hpp"
#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;
using testing::Shared;

using Word = std::atomic<std::uint32_t>;

// Wakes until somebody was there to be woken: the other process may not sleep yet.
void wake_one(Word* word) {
  while (futex_wake(word, 1) == 0) yield_thread();
}

TEST(Futex, WakesASleeperInAnotherProcess) {
  Shared<Word> word;
  Child sleeper(
      [&] { return futex_wait(word.get(), 0, Deadline::never()) == FutexWait::woken ? 0 : 1; });
  wake_one(word.get());
  EXPECT_TRUE(sleeper.collect().success());
}

TEST(Futex, FindsTheSameWordAtAnotherAddress) {
  const auto file = MemoryFile::create("futex", page_size()).value();
  std::byte* const ours = map_shared(file.descriptor(), 0, page_size()).value();
  Child sleeper([&] {
    std::byte* const theirs = map_shared(file.descriptor(), 0, page_size()).value();
    if (theirs == ours) return 2;
    return futex_wait(theirs, 0, Deadline::never()) == FutexWait::woken ? 0 : 1;
  });
  while (futex_wake(ours, 1) == 0) yield_thread();
  EXPECT_TRUE(sleeper.collect().success());
  unmap(ours, page_size());
}

TEST(Futex, WakesNoMoreThanAsked) {
  Shared<Word> word;
  const auto sleep = [&] {
    return futex_wait(word.get(), 0, Deadline::never()) == FutexWait::woken ? 0 : 1;
  };
  Child one(sleep);
  Child two(sleep);
  wake_one(word.get());
  wake_one(word.get());
  EXPECT_TRUE(one.collect().success());
  EXPECT_TRUE(two.collect().success());
  EXPECT_EQ(futex_wake(word.get(), INT_MAX), 0);
}

TEST(Futex, WakesNobodyWhenNobodySleeps) {
  Shared<Word> word;
  EXPECT_EQ(futex_wake(word.get(), INT_MAX), 0);
}

TEST(Futex, DoesNotSleepWhenTheWordHasChanged) {
  Shared<Word> word;
  word->store(7, std::memory_order_relaxed);  // Nobody else reads it.
  EXPECT_EQ(futex_wait(word.get(), 0, Deadline::never()), FutexWait::changed);
  EXPECT_EQ(futex_wait(word.get(), 0, Deadline::at(0)), FutexWait::changed);
}

TEST(Futex, SleepsUntilTheDeadlineAndNoShorter) {
  Shared<Word> word;
  const Deadline soon = Deadline::after(2 * kMillisecond);
  EXPECT_EQ(futex_wait(word.get(), 0, soon), FutexWait::timed_out);
  EXPECT_TRUE(soon.expired());
}

TEST(Futex, TimesOutAtOnceWhenTheDeadlineIsPast) {
  Shared<Word> word;
  EXPECT_EQ(futex_wait(word.get(), 0, Deadline::at(0)), FutexWait::timed_out);
  EXPECT_EQ(futex_wait(word.get(), 0, Deadline::at(-1)), FutexWait::timed_out);
}

TEST(Futex, TellsOfASignal) {
  Shared<Word> word;
  const testing::InterruptingSignal signal;
  Child sleeper([&] {
    return futex_wait(word.get(), 0, Deadline::never()) == FutexWait::interrupted ? 0 : 1;
  });
  EXPECT_TRUE(sleeper.signal_until_end(SIGUSR1).success());
}

TEST(Futex, TellsOfASignalBeforeADeadlineToo) {
  Shared<Word> word;
  const testing::InterruptingSignal signal;
  Child sleeper([&] {
    const auto wait = futex_wait(word.get(), 0, Deadline::after(3'600 * kSecond));
    return wait == FutexWait::interrupted ? 0 : 1;
  });
  EXPECT_TRUE(sleeper.signal_until_end(SIGUSR1).success());
}

TEST(Futex, SleepsOnTheLowHalfOfALongWord) {
  Shared<std::atomic<std::uint64_t>> word;
  word->store((std::uint64_t{9} << 32) | 5, std::memory_order_relaxed);  // Before the child exists.
  Child sleeper([&] {
    return futex_wait(low_half(word.get()), 5, Deadline::never()) == FutexWait::woken ? 0 : 1;
  });
  while (futex_wake(low_half(word.get()), 1) == 0) yield_thread();
  EXPECT_TRUE(sleeper.collect().success());
  EXPECT_EQ(futex_wait(low_half(word.get()), 9, Deadline::never()), FutexWait::changed);
}

TEST(Futex, IsNotDisturbedByTheDeathOfASleeper) {
  Shared<Word> word;
  {
    Child dies([&] {
      futex_wait(word.get(), 0, Deadline::never());
      return 1;
    });
    testing::wait_until_asleep(dies.pid());
    dies.kill();
    dies.collect();
  }
  EXPECT_EQ(futex_wake(word.get(), INT_MAX), 0);
  Child lives(
      [&] { return futex_wait(word.get(), 0, Deadline::never()) == FutexWait::woken ? 0 : 1; });
  wake_one(word.get());
  EXPECT_TRUE(lives.collect().success());
}

TEST(Futex, WorksBetweenThreads) {
  Word word{0};
  std::thread sleeper([&] {
    // Acquires what the store below releases.
    while (word.load(std::memory_order_acquire) == 0) futex_wait(&word, 0, Deadline::never());
  });
  word.store(1, std::memory_order_release);
  futex_wake(&word, 1);
  sleeper.join();
  EXPECT_EQ(word.load(std::memory_order_relaxed), 1u);
}

}  // namespace
}  // namespace onecopy::os
