// Random deaths of workers under load, judged by the history, in the manner of Jepsen.
//
// Workers, each a process of its own, take tasks and answer them as fast as they can, and note in
// shared memory what they took. The test is the parent: it puts tasks, gets answers, kills one
// worker after the other at random moments, stops and continues some, finds out what the dead had,
// and starts others in their seats. In the end every task must have been answered once, or lost
// once with a worker that was killed and had it; nothing torn or invented; and nothing leaked.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <vector>

#include "os/clock.hpp"
#include "os/testing.hpp"
#include "testing/pool_fixture.hpp"
#include "testing/process.hpp"
#include "testing/seed.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::pool {
namespace {

using onecopy::testing::answer_task;
using onecopy::testing::begin_numbers_at;
using onecopy::testing::draft;
using onecopy::testing::ended_well;
using onecopy::testing::get_answer;
using onecopy::testing::make_crew;
using onecopy::testing::put_task;
using onecopy::testing::shapes;
using onecopy::testing::sit_down;
using onecopy::testing::start_process;
using onecopy::testing::take_task;
using onecopy::testing::TaskBook;
using onecopy::testing::wants_everything;
using onecopy::testing::Watchdog;
using os::testing::Shared;

constexpr std::uint32_t kSeats = 4;
constexpr std::uint32_t kMostTasks = 1u << 22;
constexpr std::uint32_t kFlood = 200;  // tasks under way at once

struct History {
  std::array<std::atomic<std::uint8_t>, kMostTasks> taken;     // how often, as far as it was noted
  std::array<std::atomic<std::uint8_t>, kMostTasks> answered;  // whether the answer was put
  std::atomic<std::uint32_t> torn;
  std::atomic<std::uint32_t> refused;
};

struct Load {
  const char* name;
  std::uint32_t first;    // number
  bool reclaim_promptly;  // after each kill; else the survivors meet the locks of the dead

  friend void PrintTo(const Load& load, std::ostream* out) { *out << load.name; }
};

class PoolHistoryKill : public onecopy::testing::PoolFixture,
                        public ::testing::WithParamInterface<Load> {
 protected:
  static std::uint32_t place_of(std::uint32_t number) { return number - GetParam().first; }

  void work(std::uint32_t seat) {
    Worker worker = sit_down(crew_->name(), seat);
    for (;;) {
      const bool closing = worker.is_closing();
      const auto task = take_task(worker);
      if (task.outcome == channel::Get::empty) {
        if (closing) return;
        worker.wait_for_task(os::Deadline::never());
        continue;
      }
      if (task.outcome != channel::Get::done) ++history_->refused;
      if (!task.wrong.empty()) ++history_->torn;
      const std::uint32_t place = place_of(task.number);
      ++history_->taken.at(place);
      if (answer_task(worker, task.number, shapes()[place % shapes().size()]) !=
          channel::Put::done) {
        ++history_->refused;
      }
      history_->answered.at(place) = 1;
    }
  }

  void start_worker(std::uint32_t seat) {
    running_.at(seat) = start_process([this, seat] { work(seat); });
  }

  void put_some() {
    while (book_.open().size() < kFlood && put_ < kMostTasks) {
      const std::uint32_t number = put_task(*crew_, draft(put_, shapes()[put_ % shapes().size()]));
      ASSERT_EQ(place_of(number), put_);
      book_.put(number);
      ++put_;
    }
  }

  void get_some() {
    while (const auto number = get_answer(*crew_)) {
      EXPECT_TRUE(book_.close(*number)) << "answered twice, or lost and answered";
      ++answered_;
    }
  }

  void kill_and_replace(std::uint32_t seat) {
    onecopy::testing::kill_process(running_.at(seat));
    if (GetParam().reclaim_promptly) memory::reclaim_dead();
    std::vector<std::uint32_t> living;
    for (std::uint32_t other = 0; other < kSeats; ++other) {
      if (other != seat) living.push_back(other);
    }
    const std::size_t open = book_.open().size();
    const Numbers lost = book_.settle(*crew_, seat, living);
    answered_ += open - book_.open().size() - lost.size();
    EXPECT_LE(lost.size(), 1u) << "a worker has one task at a time";
    for (const std::uint32_t number : lost) {
      EXPECT_EQ(history_->answered.at(place_of(number)), 0) << "it was answered";
    }
    lost_ += lost.size();
    crew_->clear_seat(seat);
    start_worker(seat);
  }

  void stop_for_a_while(std::uint32_t seat, os::Nanoseconds length) {
    ASSERT_EQ(kill(running_.at(seat), SIGSTOP), 0);
    os::sleep_until(os::Deadline::after(length));
    ASSERT_EQ(kill(running_.at(seat), SIGCONT), 0);
  }

  std::optional<Crew> crew_;
  Shared<History> history_;
  std::array<pid_t, kSeats> running_{};
  TaskBook book_;
  std::uint32_t put_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t lost_ = 0;
};

TEST_P(PoolHistoryKill, AnswersEachTaskOnceOrLosesItWithItsWorker) {
  const std::uint32_t kills = wants_everything() ? 1000 : 60;
  const Watchdog watchdog(GetParam().name, wants_everything() ? 600 : 100);
  auto random = onecopy::testing::random_for(GetParam().name);
  const auto draw = [&](std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random);
  };
  crew_.emplace(make_crew(kSeats));
  begin_numbers_at(*crew_, GetParam().first);
  for (std::uint32_t seat = 0; seat < kSeats; ++seat) start_worker(seat);

  for (std::uint32_t killed = 0; killed < kills;) {
    const auto next = os::Deadline::after(static_cast<os::Nanoseconds>(draw(4 * os::kMillisecond)));
    while (!next.expired()) {
      put_some();
      crew_->wait_for_answer(next);
      get_some();
    }
    const std::uint32_t seat = draw(kSeats);
    if (draw(4) == 0) {
      stop_for_a_while(seat, draw(5 * os::kMillisecond));
    } else {
      kill_and_replace(seat);
      ++killed;
    }
  }
  crew_->close();
  for (const pid_t worker : running_) EXPECT_TRUE(ended_well(worker));
  get_some();

  EXPECT_EQ(book_.open(), Numbers{}) << "neither answered nor lost";
  EXPECT_EQ(answered_ + lost_, put_);
  EXPECT_LE(lost_, kills);
  EXPECT_GT(answered_, 0u);
  EXPECT_EQ(history_->torn, 0u);
  EXPECT_EQ(history_->refused, 0u);
  for (std::uint32_t place = 0; place < put_; ++place) ASSERT_LE(history_->taken.at(place), 1);
  memory::reclaim_dead();
  expect_sound(*crew_);
  crew_.reset();
  expect_no_leak();
  std::printf("%s: %u tasks, %llu of them lost with %u workers\n", GetParam().name, put_,
              static_cast<unsigned long long>(lost_), kills);
}

INSTANTIATE_TEST_SUITE_P(Under, PoolHistoryKill,
                         ::testing::Values(Load{"Reclaimed", 0, true},
                                           Load{"Unreclaimed", 0, false},
                                           Load{"AcrossTheWrap", 0xffffff00, true}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace onecopy::pool
