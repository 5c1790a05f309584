// The protocols of a pool between threads of one process: what ThreadSanitizer sees of them, as it
// looks into one process only. Each thread notes what it did in memory of its own, so that nothing
// but the pool orders one thread after another.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "testing/pool_fixture.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::pool {
namespace {

using onecopy::testing::answer_task;
using onecopy::testing::begin_numbers_at;
using onecopy::testing::draft;
using onecopy::testing::get_answer;
using onecopy::testing::make_crew;
using onecopy::testing::put_task;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::sit_down;
using onecopy::testing::take_task;
using onecopy::testing::Watchdog;

constexpr std::uint32_t kWorkers = 3;
constexpr std::uint32_t kPutters = 2;
constexpr std::uint32_t kGetters = 2;
constexpr std::uint32_t kTasks = 1200;  // of each putter

struct Load {
  const char* name;
  std::vector<Shape> shapes;
  std::uint32_t first;  // number

  friend void PrintTo(const Load& load, std::ostream* out) { *out << load.name; }
};

class PoolThreads : public onecopy::testing::PoolFixture,
                    public ::testing::WithParamInterface<Load> {
 protected:
  using Place = std::size_t;  // of a task: how many there are before it

  static Place place_of(std::uint32_t number) { return number - GetParam().first; }

  void put_all(std::vector<std::uint32_t>& numbers) {
    const auto& known = GetParam().shapes;
    for (std::uint32_t i = 0; i < kTasks; ++i) {
      numbers.push_back(put_task(crew_, draft(i, known[i % known.size()])));
    }
  }

  void work(std::uint32_t seat) {
    Worker worker = sit_down(crew_.name(), seat);
    for (;;) {
      const bool closing = worker.is_closing();
      const auto task = take_task(worker);
      if (task.outcome == channel::Get::empty) {
        if (closing) return;
        worker.wait_for_task(os::Deadline::never());
        continue;
      }
      ASSERT_EQ(task.wrong, "");
      results_.at(place_of(task.number)) = task.number;
      ASSERT_EQ(answer_task(worker, task.number, shapes()[0]), channel::Put::done);
      worker.spend(Phase::computing, 1);
    }
  }

  void get_all(std::vector<std::uint32_t>& numbers) {
    while (gotten_.load(std::memory_order_relaxed) < results_.size()) {
      if (const auto number = get_answer(crew_)) {
        // The answer is what brought it here.
        ASSERT_EQ(results_.at(place_of(*number)), *number);
        numbers.push_back(*number);
        gotten_.fetch_add(1, std::memory_order_relaxed);
      } else {
        crew_.wait_for_answer(os::Deadline::after(os::kMillisecond));
      }
    }
  }

  // A parent that asks, while all others are at work.
  void ask() {
    std::uint64_t computed = 0;
    do {
      const std::uint32_t waiting = crew_.waiting();
      ASSERT_LE(waiting, results_.size());
      std::uint64_t sum = 0;
      for (std::uint32_t seat = 0; seat < kWorkers; ++seat) {
        const auto number = crew_.at(seat);
        ASSERT_TRUE(!number || place_of(*number) < results_.size());
        sum += crew_.figures(seat).spent.at(static_cast<std::size_t>(Phase::computing));
      }
      ASSERT_GE(sum, computed);
      computed = sum;
      crew_.is_taken(GetParam().first);
    } while (gotten_.load(std::memory_order_relaxed) < results_.size());
  }

  const Watchdog watchdog_{GetParam().name, 100};
  Crew crew_ = make_crew(kWorkers);
  std::vector<std::uint32_t> results_ = std::vector<std::uint32_t>(kPutters * kTasks);
  std::atomic<std::size_t> gotten_{0};
};

TEST_P(PoolThreads, AnswerEachTaskOnce) {
  begin_numbers_at(crew_, GetParam().first);
  std::array<std::vector<std::uint32_t>, kPutters> put;
  std::array<std::vector<std::uint32_t>, kGetters> got;
  std::vector<std::thread> putters;
  std::vector<std::thread> others;
  for (auto& numbers : put) putters.emplace_back([&] { put_all(numbers); });
  for (std::uint32_t seat = 0; seat < kWorkers; ++seat) {
    others.emplace_back([this, seat] { work(seat); });
  }
  for (auto& numbers : got) others.emplace_back([&] { get_all(numbers); });
  others.emplace_back([this] { ask(); });

  for (std::thread& thread : putters) thread.join();
  crew_.close();
  for (std::thread& thread : others) thread.join();

  std::vector<int> times(results_.size());
  for (const auto& numbers : put) {
    for (const std::uint32_t number : numbers) ++times.at(place_of(number));
  }
  for (const auto& numbers : got) {
    for (const std::uint32_t number : numbers) ++times.at(place_of(number));
  }
  EXPECT_EQ(times, std::vector<int>(times.size(), 2)) << "put once, and answered once";
  expect_sound(crew_);
}

INSTANTIATE_TEST_SUITE_P(Under, PoolThreads,
                         ::testing::Values(
                             // Small ones need no blocks: no lock but the pool's orders anybody.
                             Load{"SmallTasks", {shapes()[0]}, 0},
                             Load{"SmallTasksAcrossTheWrap", {shapes()[0]}, 0xfffffc00},
                             Load{"AllTasks", shapes(), 0}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace onecopy::pool
