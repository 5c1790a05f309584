#include <onecopy/pool.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <latch>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <onecopy/array.hpp>
#include <onecopy/event.hpp>
#include <onecopy/process.hpp>
#include <onecopy/queue.hpp>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/layout.hpp"
#include "memory/local.hpp"
#include "os/descriptor.hpp"
#include "os/process_identity.hpp"
#include "testing/process.hpp"
#include "testing/stopping.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {

namespace testing {

// Of whose value no text can be read, and which no text can write.
struct Unreadable {
  int number = 0;
};
struct Unwritable {
  int number = 0;
};

}  // namespace testing

template <>
struct Codec<testing::Unreadable> {
  static void write(Encoder& to, const testing::Unreadable& value) { to.integer(value.number); }
  static void read(Decoder&, testing::Unreadable&) { throw std::runtime_error("no number"); }
};
template <>
struct Codec<testing::Unwritable> {
  static void write(Encoder& to, const testing::Unwritable&) {
    to.fail({Error::invalid, 0, "it has no number"});
  }
  static void read(Decoder&, testing::Unwritable&) {}
};

namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::start_process;
using onecopy::testing::Unreadable;
using onecopy::testing::Unwritable;
using onecopy::testing::Watchdog;

struct Point {
  double x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
};

int square(int number) { return number * number; }
double add_up(std::span<const double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

// Returns when the process is gone. It is no child of ours, so it can only be watched.
void wait_until_gone(pid_t pid) {
  const Result<os::Descriptor> watched = os::open_pidfd(pid);
  if (watched.error() == Error::closed) return;
  ASSERT_TRUE(watched) << watched.failure().text();
  os::poll_one(watched->get(), true, false, os::Deadline::never());
}

class PoolTest : public ::testing::Test {
 protected:
  const Watchdog watchdog_{"pool", 100};
};

// -- what is called, and with what ----------------------------------------------------------------

TEST_F(PoolTest, CallsAFunctionWithEachItem) {
  Pool pool(3);

  EXPECT_EQ(pool.map(square, std::vector<int>{1, 2, 3, 4}), (std::vector<int>{1, 4, 9, 16}));
  EXPECT_EQ(pool.map(&square, std::array<short, 2>{5, 6}), (std::vector<int>{25, 36}));
  EXPECT_EQ(pool.map(square, std::vector<int>()), std::vector<int>());
  EXPECT_EQ(pool.workers(), 3u);
}

TEST_F(PoolTest, CallsInProcessesOfItsOwn) {
  Pool pool(2);

  const int worker = pool.submit([] { return getpid(); }).get();

  EXPECT_NE(worker, getpid());
}

TEST_F(PoolTest, CallsALambdaThatHasCapturedValues) {
  Pool pool(2);
  const double factor = 0.5;
  const Point offset{1, 2};

  const std::vector<double> results = pool.map(
      [factor, offset](int number) { return number * factor + offset.y; }, std::vector<int>{2, 4});

  EXPECT_EQ(results, (std::vector<double>{3, 4}));
}

TEST_F(PoolTest, GivesEachTaskACopyOfWhatWasCaptured) {
  Pool pool(1);
  auto count = [so_far = 0]() mutable { return ++so_far; };

  EXPECT_EQ(pool.submit(count).get(), 1);
  EXPECT_EQ(pool.submit(count).get(), 1);
}

TEST_F(PoolTest, PassesSeveralArguments) {
  Pool pool(1);

  EXPECT_EQ(
      pool.submit([](int a, double b, const std::string& c) { return c + std::to_string(a * b); },
                  2, 1.5, "is ")
          .get(),
      "is 3.000000");
}

TEST_F(PoolTest, TakesTextAndSpansOfAnyKind) {
  Pool pool(1);
  const auto length = [](std::string_view text) { return text.size(); };
  std::vector<double> numbers{1, 2, 3};

  EXPECT_EQ(pool.submit(length, "text").get(), 4u);
  EXPECT_EQ(pool.submit(length, std::string_view("text")).get(), 4u);
  EXPECT_EQ(pool.submit(length, std::string(5, 'x')).get(), 5u);
  EXPECT_EQ(pool.submit(add_up, numbers).get(), 6);
  EXPECT_EQ(pool.submit(add_up, std::span<double>(numbers)).get(), 6);
  EXPECT_EQ(pool.submit(add_up, std::span<const double>(numbers).first(2)).get(), 3);
  EXPECT_EQ(pool.submit([](std::span<double> own) { return own[0] = 7; }, numbers).get(), 7);
}

TEST_F(PoolTest, PassesArgumentsByReferenceAndByMove) {
  Pool pool(1);
  const std::vector<int> numbers{1, 2};

  EXPECT_EQ(pool.submit([](std::vector<int>& own) { return own.size(); }, numbers).get(), 2u);
  EXPECT_EQ(pool.submit([](std::vector<int>&& own) { return own.size(); }, numbers).get(), 2u);
  EXPECT_EQ(pool.submit([](const auto& own) { return own.size(); }, numbers).get(), 2u);
}

TEST_F(PoolTest, ReturnsWhateverHasACodec) {
  Pool pool(1);
  using Either = std::variant<int, std::string>;

  EXPECT_EQ(pool.submit([] { return std::vector<std::string>{"a", "b"}; }).get(),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(pool.submit([] { return Point{1, 2}; }).get(), (Point{1, 2}));
  EXPECT_EQ(pool.submit([] { return std::optional<int>(); }).get(), std::nullopt);
  EXPECT_EQ(pool.submit([] { return Either("text"); }).get(), Either("text"));
  EXPECT_EQ(pool.submit([] { return std::map<int, bool>{{1, true}}; }).get(),
            (std::map<int, bool>{{1, true}}));
  EXPECT_EQ(
      pool.submit([](std::span<const int> all) { return all.last(1); }, std::vector<int>{1, 2})
          .get(),
      std::vector<int>{2});
  EXPECT_EQ(pool.submit([] { return "text"; }).get(), "text");
  EXPECT_EQ(pool.map([](int number) { return number > 1; }, std::vector<int>{1, 2}),
            (std::vector<bool>{false, true}));
}

TEST_F(PoolTest, ReturnsNothingWhereThereIsNothing) {
  Queue<int> told;
  Pool pool(2);

  pool.map([queue = inherited(told)](int number) { queue->put(number); },
           std::vector<int>{1, 2, 3});
  pool.submit([queue = inherited(told)] { queue->put(4); }).get();

  EXPECT_EQ(told.size(), 4u);
}

TEST_F(PoolTest, BringsLargeArraysThereAndBack) {
  Pool pool(2);
  std::vector<std::vector<double>> blocks(6, std::vector<double>(200'000));
  for (auto& block : blocks) std::iota(block.begin(), block.end(), &block - blocks.data());

  EXPECT_EQ(pool.map([](std::vector<double> block) { return block; }, blocks), blocks);
}

// An address in shared memory is one in the message.
TEST_F(PoolTest, LetsASpanLookAtTheMessageItself) {
  Pool pool(1);
  const auto is_shared = [](const void* data) {
    return memory::block_at(data) != memory::kNoBlock;
  };

  EXPECT_TRUE(pool.submit([is_shared](std::span<const double> x) { return is_shared(x.data()); },
                          std::vector<double>(10'000))
                  .get());
  EXPECT_TRUE(pool.submit([is_shared](std::span<const Point> x) { return is_shared(x.data()); },
                          std::vector<Point>(10'000))
                  .get());
  EXPECT_TRUE(pool.submit([is_shared](std::span<const std::byte> x) { return is_shared(x.data()); },
                          std::vector<std::byte>(10'000))
                  .get());
  EXPECT_FALSE(
      pool.submit([is_shared](const std::vector<double>& x) { return is_shared(x.data()); },
                  std::vector<double>(10'000))
          .get());
}

TEST_F(PoolTest, GivesSpansOfWhatLiesInTheMessageWithTheRest) {
  Pool pool(1);
  const auto sum = [](std::string_view name, std::span<const Point> points,
                      std::span<const double> numbers, std::span<const std::string> words) {
    return std::string(name) + " " + std::to_string(points[1].y + numbers[2]) + words[0];
  };

  EXPECT_EQ(pool.submit(sum, "odd", std::vector<Point>{{1, 2}, {3, 4}},
                        std::vector<double>{1, 2, 3}, std::vector<std::string>{"!"})
                .get(),
            "odd 7.000000!");
}

TEST_F(PoolTest, SeesWhatWasMadeBeforeIt) {
  Array<int> shared(100);
  const std::vector<int> input(100, 3);
  Pool pool(2);
  std::vector<std::size_t> indices(100);
  std::iota(indices.begin(), indices.end(), 0);

  pool.map([to = inherited(shared), from = inherited(input)](
               std::size_t i) { to->set(i, (*from)[i] * static_cast<int>(i)); },
           indices);

  EXPECT_EQ(shared.get(99), 297);
}

TEST_F(PoolTest, RefusesCodeThatItsWorkersDoNotHave) {
  Pool pool(1);
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);

  const auto submitted = pool.try_submit(reinterpret_cast<int (*)(int)>(page), 5);

  EXPECT_EQ(submitted.error(), Error::invalid);
  munmap(page, 4096);
}

// -- what goes wrong in a function ----------------------------------------------------------------

TEST_F(PoolTest, TellsWhatAFunctionThrew) {
  Pool pool(1);
  auto failing = pool.submit([]() -> int { throw std::out_of_range("no such row"); });

  try {
    failing.get();
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_STREQ(error.what(), "no such row");
    EXPECT_EQ(error.type(), "std::out_of_range");
    EXPECT_EQ(error.error(), Error::task_failed);
  }
  EXPECT_EQ(pool.submit(square, 3).get(), 9) << "the worker goes on";
}

TEST_F(PoolTest, TellsWhatIsThrownThatIsNoException) {
  Pool pool(1);

  const Result<void> result = pool.submit([] { throw 5; }).get_for(1h);

  EXPECT_EQ(result.error(), Error::task_failed);
  EXPECT_EQ(result.failure().text(), "an exception of type int");
}

TEST_F(PoolTest, TellsAnErrorOfItsOwnAsThatOfTheFunction) {
  Pool pool(1);

  const auto result =
      pool.submit([] { return Queue<int>(1).try_get().value_or_throw(); }).get_for(1h);

  EXPECT_EQ(result.error(), Error::task_failed);
  EXPECT_EQ(result.failure().text(), describe(Error::empty));
}

TEST_F(PoolTest, ThrowsTheFirstFailureOfAMapOnceAllIsDone) {
  Array<int> done(5);
  Pool pool(2);
  const auto work = [to = inherited(done)](int number) {
    if (number == 1 || number == 2) throw std::runtime_error(std::to_string(number));
    to->set(static_cast<std::size_t>(number), 1);
    return number;
  };

  try {
    pool.map(work, std::vector<int>{0, 1, 2, 3, 4});
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_STREQ(error.what(), "1");
  }
  EXPECT_EQ(done.get(4), 1);
}

TEST_F(PoolTest, GivesEachItemsFailureInItsPlace) {
  Pool pool(2);

  const auto results = pool.try_map(
      [](int number) {
        if (number == 1) throw std::runtime_error("odd");
        return number;
      },
      std::vector<int>{0, 1, 2});

  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(*results[0], 0);
  EXPECT_EQ(results[1].error(), Error::task_failed);
  EXPECT_EQ(*results[2], 2);
}

TEST_F(PoolTest, RefusesAnArgumentThatCannotBeSent) {
  Pool pool(1);

  EXPECT_EQ(pool.try_submit([](Unwritable) {}, Unwritable()).error(), Error::invalid);
  EXPECT_THROW(pool.map([](Unwritable) {}, std::vector<Unwritable>(2)), Exception);
  EXPECT_EQ(pool.try_map([](Unwritable) {}, std::vector<Unwritable>(2)).at(1).error(),
            Error::invalid);
}

TEST_F(PoolTest, TellsWhereAResultCannotBeSentOrRead) {
  Pool pool(1);

  const auto unsent = pool.submit([] { return Unwritable(); }).get_for(1h);
  const auto unread = pool.submit([] { return Unreadable(); }).get_for(1h);
  const auto untaken = pool.submit([](Unreadable) {}, Unreadable()).get_for(1h);

  EXPECT_EQ(unsent.error(), Error::invalid);
  EXPECT_EQ(unsent.failure().text(), "it has no number");
  EXPECT_EQ(unread.error(), Error::invalid);
  EXPECT_EQ(unread.failure().text(), "the result cannot be read: no number");
  EXPECT_EQ(untaken.error(), Error::task_failed);
  EXPECT_EQ(untaken.failure().text(), "no number");
}

TEST_F(PoolTest, TellsWhereAResultDoesNotFit) {
  Pool pool(1);
  const std::size_t limit = memory::header().limit;

  memory::header().limit = memory::header().resident;
  const auto result = pool.submit([] { return std::vector<double>(5'000'000, 0.5); }).get_for(1h);
  memory::header().limit = limit;

  EXPECT_EQ(result.error(), Error::no_memory);
  EXPECT_EQ(pool.submit(square, 3).get(), 9);
}

// -- deaths ---------------------------------------------------------------------------------------

TEST_F(PoolTest, LosesOneTaskWithAWorker) {
  Pool pool(2);
  std::vector<Future<int>> futures;
  futures.reserve(20);
  for (int number = 0; number < 20; ++number) {
    futures.push_back(pool.submit(
        [](int own) {
          if (own == 7) raise(SIGKILL);
          return own;
        },
        number));
  }

  for (int number = 0; number < 20; ++number) {
    if (number == 7) continue;
    EXPECT_EQ(futures[static_cast<std::size_t>(number)].get(), number);
  }
  try {
    futures[7].get();
    FAIL();
  } catch (const WorkerDied& death) {
    EXPECT_EQ(death.error(), Error::worker_died);
    EXPECT_EQ(death.signal(), SIGKILL);
    EXPECT_EQ(death.exit_code(), -SIGKILL);
    EXPECT_EQ(std::string(death.what()), "the worker, process " + std::to_string(death.pid()) +
                                             ", was killed by signal 9 (Killed) while it did this "
                                             "task");
  }
}

TEST_F(PoolTest, TellsOfAWorkerThatExits) {
  Pool pool(1);

  try {
    pool.submit([] { _exit(3); }).get();
    FAIL();
  } catch (const WorkerDied& death) {
    EXPECT_EQ(death.signal(), 0);
    EXPECT_EQ(death.exit_code(), 3);
    EXPECT_NE(std::string(death.what()).find("exited with code 3"), std::string::npos);
  }
}

TEST_F(PoolTest, ReplacesTheDead) {
  Pool pool(1);
  const int first = pool.submit([] { return getpid(); }).get();

  EXPECT_THROW(pool.submit([] { raise(SIGTERM); }).get(), WorkerDied);
  const int second = pool.submit([] { return getpid(); }).get();

  EXPECT_NE(second, first);
  EXPECT_EQ(os::identify_process(first).error(), Error::closed) << "collected";
}

TEST_F(PoolTest, ReplacesAWorkerThatDiedWithoutATask) {
  Pool pool(1);

  kill(pool.submit([] { return getpid(); }).get(), SIGKILL);

  EXPECT_EQ(pool.submit(square, 3).get(), 9);
}

TEST_F(PoolTest, IsBrokenWhereWorkersDieOneAfterTheOther) {
  Pool pool(1);
  std::vector<Future<void>> futures;
  futures.reserve(30);
  for (int i = 0; i < 30; ++i) futures.push_back(pool.submit([] { raise(SIGKILL); }));

  for (auto& future : futures) EXPECT_EQ(future.get_for(1h).error(), Error::worker_died);
  const auto later = pool.try_submit(square, 3);

  EXPECT_EQ(later.error(), Error::worker_died);
  EXPECT_NE(later.failure().text().find("the pool is broken: 11 workers have died"),
            std::string::npos)
      << later.failure().text();
}

TEST_F(PoolTest, DoesWhatWaitsWhenItsLastWorkerDiesAfterItWasClosed) {
  Pool pool(1);
  auto dying = pool.submit([] { raise(SIGKILL); });
  auto waiting = pool.submit(square, 3);
  pool.close();

  EXPECT_EQ(waiting.get(), 9);
  EXPECT_EQ(dying.get_for(1h).error(), Error::worker_died);
}

TEST_F(PoolTest, EndsWithTheProcessThatMadeIt) {
  Queue<int> workers;
  Event never;
  const pid_t child = start_process([&] {
    Pool pool(2);
    for (int i = 0; i < 2; ++i) {
      static_cast<void>(pool.submit([to = inherited(workers), stop = inherited(never)] {
        to->put(getpid());
        stop->wait();
      }));
    }
    never.wait();
  });
  const int first = workers.get();
  const int second = workers.get();

  onecopy::testing::kill_process(child);

  wait_until_gone(first);
  wait_until_gone(second);
}

// -- futures --------------------------------------------------------------------------------------

TEST_F(PoolTest, AnswersWhetherAResultIsThere) {
  Event go;
  Pool pool(1);
  auto future = pool.submit([event = inherited(go)] {
    event->wait();
    return 5;
  });

  EXPECT_FALSE(future.ready());
  EXPECT_FALSE(future.wait_for(1ms));
  EXPECT_EQ(future.try_get().error(), Error::empty);
  EXPECT_EQ(future.get_for(1ms).error(), Error::timed_out);
  EXPECT_TRUE(future.valid()) << "it has not been taken";
  go.set();
  EXPECT_TRUE(future.wait_for(1h));
  EXPECT_TRUE(future.ready());
  EXPECT_EQ(*future.try_get(), 5);
  EXPECT_FALSE(future.valid());
}

TEST_F(PoolTest, LetsWaitersBeAskedToStop) {
  Event go;
  Pool pool(2);
  const auto wait = [event = inherited(go)] {
    event->wait();
    return 5;
  };
  auto one = pool.submit(wait);
  auto other = pool.submit(wait);

  EXPECT_FALSE(one.wait(testing::stopped()));
  EXPECT_EQ(one.get(testing::stopped()).error(), Error::stopped);
  // One of them takes in the answers, and one waits for what is taken in.
  std::jthread first = testing::start_sleeper(
      [&](const std::stop_token& stop) { EXPECT_EQ(one.get(stop).error(), Error::stopped); });
  std::latch both(2);
  std::jthread second = testing::start_sleeper([&](const std::stop_token& stop) {
    EXPECT_FALSE(other.wait(stop));
    both.arrive_and_wait();
    EXPECT_EQ(other.get(std::stop_token()).value_or_throw(), 5);
  });
  second.request_stop();
  testing::stop(first);
  both.arrive_and_wait();
  EXPECT_TRUE(one.valid()) << "its task goes on";
  go.set();
  EXPECT_EQ(one.get(), 5);
}

TEST_F(PoolTest, GivesAResultOnce) {
  Pool pool(1);
  auto future = pool.submit(square, 2);
  auto other = std::move(future);

  EXPECT_FALSE(future.valid());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other.get(), 4);
  EXPECT_EQ(other.try_get().error(), Error::closed);
  EXPECT_THROW(other.get(), Exception);
  EXPECT_THROW(Future<int>().wait(), Exception);
}

TEST_F(PoolTest, LeavesItsResultsBehind) {
  std::optional<Pool> pool(std::in_place, 1);
  auto future = pool->submit(square, 2);

  pool.reset();

  EXPECT_EQ(future.get(), 4);
}

TEST_F(PoolTest, DoesWhatNobodyAsksTheResultOf) {
  Queue<int> told;
  {
    Pool pool(1);
    static_cast<void>(pool.submit([to = inherited(told)] { to->put(1); }));
  }
  EXPECT_EQ(told.size(), 1u);
}

// -- threads and processes ------------------------------------------------------------------------

TEST_F(PoolTest, IsUsedByManyThreads) {
  Pool pool(2);
  std::atomic<int> wrong{0};
  const auto use = [&](int first) {
    for (int round = 0; round < 20; ++round) {
      std::vector<int> items(10);
      std::iota(items.begin(), items.end(), first);
      auto future = pool.submit(square, first);
      const std::vector<int> squares = pool.map(square, items);
      for (std::size_t i = 0; i < items.size(); ++i) wrong += squares[i] != items[i] * items[i];
      wrong += future.get() != first * first;
    }
  };

  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) threads.emplace_back(use, i * 100);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
}

TEST_F(PoolTest, TellsEachThreadWhatItWaitsFor) {
  Event first;
  Event second;
  Pool pool(2);
  auto early = pool.submit([event = inherited(first)] { event->wait(); });
  auto late = pool.submit([event = inherited(second)] { event->wait(); });

  std::thread leader([&] { late.get(); });
  std::thread follower([&] { early.get(); });
  first.set();
  follower.join();
  second.set();
  leader.join();

  EXPECT_FALSE(early.valid() || late.valid());
}

TEST_F(PoolTest, MayBeUsedOnlyWhereItWasMade) {
  Pool pool(1);
  auto future = pool.submit(square, 2);

  EXPECT_TRUE(ended_well(start_process([&] {
    EXPECT_EQ(pool.try_submit(square, 3).error(), Error::closed);
    EXPECT_EQ(pool.try_map(square, std::vector<int>{3}).at(0).error(), Error::closed);
    EXPECT_EQ(future.try_get().error(), Error::closed);
    EXPECT_EQ(pool.join().error(), Error::closed);
    pool.close();
    pool.terminate();
    const Pool taken = std::move(pool);
  })));

  EXPECT_EQ(future.get(), 4) << "nobody has ended it";
  EXPECT_EQ(pool.submit(square, 3).get(), 9);
}

TEST_F(PoolTest, MayBeMadeInAWorkerOfAnother) {
  Pool pool(2);

  const auto sum = pool.submit([] {
    Pool own(2);
    const std::vector<int> squares = own.map(square, std::vector<int>{1, 2, 3});
    return std::accumulate(squares.begin(), squares.end(), 0);
  });

  EXPECT_EQ(const_cast<Future<int>&>(sum).get(), 14);
}

// -- ending ---------------------------------------------------------------------------------------

TEST_F(PoolTest, TakesNothingMoreOnceItIsClosed) {
  Pool pool(1);
  auto future = pool.submit(square, 2);

  pool.close();

  EXPECT_EQ(pool.try_submit(square, 3).error(), Error::closed);
  EXPECT_THROW(pool.map(square, std::vector<int>{1}), Exception);
  EXPECT_EQ(future.get(), 4);
}

TEST_F(PoolTest, IsJoinedWhenAllIsDone) {
  Event go;
  Pool pool(2);
  auto future = pool.submit([event = inherited(go)] { event->wait(); });
  const int worker = pool.submit([] { return getpid(); }).get();

  EXPECT_EQ(pool.join_for(1ms).error(), Error::timed_out);
  go.set();
  EXPECT_TRUE(pool.join());

  EXPECT_TRUE(future.ready());
  EXPECT_EQ(os::identify_process(worker).error(), Error::closed);
  EXPECT_TRUE(pool.join()) << "again";
}

TEST_F(PoolTest, FailsWhatIsNotDoneWhenItIsTerminated) {
  Event never;
  Event begun;
  Pool pool(1);
  auto done = pool.submit(square, 2);
  auto running = pool.submit([event = inherited(never), tell = inherited(begun)] {
    tell->set();
    event->wait();
  });
  auto waiting = pool.submit(square, 3);
  begun.wait();
  EXPECT_TRUE(done.wait_for(1h));

  pool.terminate();

  EXPECT_EQ(done.get(), 4);
  EXPECT_EQ(running.try_get().error(), Error::closed);
  EXPECT_EQ(waiting.try_get().error(), Error::closed);
  EXPECT_EQ(pool.try_submit(square, 3).error(), Error::closed);
  EXPECT_TRUE(pool.join());
}

TEST_F(PoolTest, IsTerminatedWhileAnotherThreadWaits) {
  Event never;
  Pool pool(1);
  auto future = pool.submit([event = inherited(never)] { event->wait(); });
  std::atomic<Error> told{Error::none};
  std::thread waiter([&] { told = future.get_for(1h).error(); });

  pool.terminate();
  waiter.join();

  EXPECT_EQ(told, Error::closed);
}

TEST_F(PoolTest, IsTerminatedWhereAnExceptionPassesIt) {
  Event never;
  try {
    Pool pool(1);
    static_cast<void>(pool.submit([event = inherited(never)] { event->wait(); }));
    throw std::runtime_error("something else");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "something else");
  }
}

TEST_F(PoolTest, IsMoved) {
  Pool pool(1);
  auto future = pool.submit(square, 2);
  Pool other = std::move(pool);
  other = Pool(1);

  EXPECT_EQ(future.get(), 4) << "the first was joined";
  EXPECT_EQ(other.submit(square, 3).get(), 9);
}

TEST_F(PoolTest, HasAWorkerForEachProcessorWhereNothingIsSaid) { EXPECT_GE(Pool().workers(), 1u); }

TEST_F(PoolTest, RefusesMoreWorkersThanAFamilyHasRoomFor) {
  EXPECT_EQ(Pool::create(100'000).error(), Error::invalid);
  EXPECT_TRUE(ended_well(start_process([] {
    ASSERT_TRUE(memory::join_family());
    std::vector<memory::Ticket> places;
    for (auto place = memory::reserve_place(); place; place = memory::reserve_place()) {
      places.push_back(*place);
    }
    memory::release_place(places.back());

    EXPECT_EQ(Pool::create(2).error(), Error::too_many);
    EXPECT_EQ(Pool(1).submit(square, 3).get(), 9) << "the one that was begun has ended";
  })));
}

TEST_F(PoolTest, LeavesNothingBehind) {
  {
    const Pool warm(1);
  }
  memory::reclaim_dead();
  const std::uint64_t before = memory::take_census().in_use;
  {
    Pool pool(2);
    const std::vector<double> numbers(100'000, 0.5);
    for (int i = 0; i < 20; ++i) {
      static_cast<void>(pool.submit([](const std::vector<double>& own) { return own; }, numbers));
    }
    auto dying = pool.submit(
        [](std::span<const double>) {
          raise(SIGKILL);
          return 0;
        },
        numbers);
    EXPECT_THROW(dying.get(), WorkerDied);
    static_cast<void>(pool.submit([](Unreadable) { return Unreadable(); }, Unreadable()));
  }
  memory::reclaim_dead();
  EXPECT_EQ(memory::take_census().in_use, before);
}

}  // namespace
}  // namespace onecopy
