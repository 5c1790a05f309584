// Random deaths under load, judged by the history, in the manner of Jepsen.
//
// Producers and consumers, each a process of its own, put and take as fast as they can. Each notes
// in shared memory what it is about to do and what it was answered. The test kills one after the
// other at random moments, stops and continues some, and starts new ones. In the end every message
// whose put was answered must have been delivered once, but for those that a dead consumer may have
// taken with it; none twice; none torn, invented or out of its producer's order; and nothing may be
// leaked.

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "channel/channel.hpp"
#include "os/clock.hpp"
#include "os/testing.hpp"
#include "testing/messages.hpp"
#include "testing/process.hpp"
#include "testing/seed.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::bytes_in_use;
using onecopy::testing::draft;
using onecopy::testing::ended_well;
using onecopy::testing::expect_sound;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::shapes;
using onecopy::testing::start_process;
using onecopy::testing::take;
using onecopy::testing::Taken;
using onecopy::testing::Watchdog;
using os::testing::Shared;

constexpr std::uint32_t kMostProcesses = 2048;  // of each kind, one after the other
constexpr std::uint32_t kMostMessages = 32768;  // of each producer
constexpr std::uint32_t kFlood = 300;           // an unbounded channel is not filled above this

// What a message's number says.
constexpr std::uint32_t number_of(std::uint32_t producer, std::uint32_t message) {
  return producer * kMostMessages + message;
}

struct History {
  std::atomic<bool> producers_stop;
  std::atomic<bool> consumers_stop;
  // Of each producer: messages it began to put, and those whose put was answered.
  std::array<std::atomic<std::uint32_t>, kMostProcesses> begun;
  std::array<std::atomic<std::uint32_t>, kMostProcesses> answered;
  // Of each consumer: 1 while it takes a message and has not noted which.
  std::array<std::atomic<std::uint32_t>, kMostProcesses> taking;
  std::array<std::array<std::atomic<std::uint8_t>, kMostMessages>, kMostProcesses> delivered;
  std::atomic<std::uint32_t> torn;
  std::atomic<std::uint32_t> invented;
  std::atomic<std::uint32_t> disordered;
  std::atomic<std::uint32_t> refused;
};

struct Load {
  const char* name;
  Options options;
  bool reclaim_promptly;  // after each kill; else the survivors meet the locks of the dead

  friend void PrintTo(const Load& load, std::ostream* out) { *out << load.name; }
};

class HistoryKill : public ::testing::TestWithParam<Load> {
 protected:
  HistoryKill() {
    EXPECT_TRUE(memory::join_family());
    before_ = bytes_in_use();
    channel_ = make_channel(GetParam().options);
  }

  void produce(std::uint32_t producer) {
    for (std::uint32_t i = 0; i < kMostMessages && !history_->producers_stop; ++i) {
      while (channel_.size() > kFlood && !history_->producers_stop) sched_yield();
      const auto message =
          draft(number_of(producer, i), shapes()[(producer + i) % shapes().size()]);
      history_->begun[producer] = i + 1;
      for (;;) {
        const Put outcome = put(channel_, message);
        if (outcome == Put::done) break;
        if (outcome != Put::full) ++history_->refused;
        if (history_->producers_stop) return;
        channel_.wait_for_room(os::Deadline::never());
      }
      history_->answered[producer] = i + 1;
    }
  }

  void note(const Taken& taken, std::map<std::uint32_t, std::uint32_t>& last) {
    if (taken.wrong != "") {
      ++history_->torn;
      return;
    }
    const std::uint32_t producer = taken.number / kMostMessages;
    const std::uint32_t message = taken.number % kMostMessages;
    if (producer >= kMostProcesses || message >= history_->begun[producer]) {
      ++history_->invented;
      return;
    }
    ++history_->delivered[producer][message];
    if (last.contains(producer) && last[producer] >= message) ++history_->disordered;
    last[producer] = message;
  }

  void consume(std::uint32_t consumer) {
    std::map<std::uint32_t, std::uint32_t> last;
    while (!history_->consumers_stop || channel_.size() != 0) {
      history_->taking[consumer] = 1;
      const Taken taken = take(channel_);
      if (taken.outcome == Get::done) {
        note(taken, last);
      } else if (taken.outcome != Get::empty) {
        ++history_->refused;
      }
      history_->taking[consumer] = 0;
      if (taken.outcome == Get::empty) channel_.wait_for_message(os::Deadline::never());
    }
  }

  void start_producer(std::size_t at) {
    const std::uint32_t name = producers_++;
    running_.at(at) = {start_process([&] { produce(name); }), false, name};
  }
  void start_consumer(std::size_t at) {
    const std::uint32_t name = consumers_++;
    running_.at(at) = {start_process([&] { consume(name); }), true, name};
  }

  void kill_and_replace(std::size_t at) {
    const Process victim = running_.at(at);
    onecopy::testing::kill_process(victim.pid);
    if (victim.consumes) {
      may_be_lost_ += history_->taking[victim.name];
      start_consumer(at);
    } else {
      start_producer(at);
    }
    if (GetParam().reclaim_promptly) memory::reclaim_dead();
  }

  void stop_for_a_while(std::size_t at, os::Nanoseconds length) {
    ASSERT_EQ(kill(running_.at(at).pid, SIGSTOP), 0);
    os::sleep_until(os::Deadline::after(length));
    ASSERT_EQ(kill(running_.at(at).pid, SIGCONT), 0);
  }

  void expect_end_of_all(bool consuming) const {
    for (const Process& process : running_) {
      EXPECT_TRUE(process.consumes != consuming || ended_well(process.pid));
    }
  }

  void expect_history_right() const {
    EXPECT_EQ(history_->torn, 0u);
    EXPECT_EQ(history_->invented, 0u);
    EXPECT_EQ(history_->disordered, 0u);
    EXPECT_EQ(history_->refused, 0u);
    std::uint64_t answered = 0;
    std::uint64_t lost = 0;
    std::uint64_t twice = 0;
    for (std::uint32_t producer = 0; producer < producers_; ++producer) {
      for (std::uint32_t i = 0; i < history_->begun[producer]; ++i) {
        const bool is_answered = i < history_->answered[producer];
        const std::uint32_t delivered = history_->delivered[producer][i];
        answered += is_answered ? 1 : 0;
        lost += is_answered && delivered == 0 ? 1 : 0;
        twice += delivered > 1 ? 1 : 0;
      }
    }
    EXPECT_LE(lost, may_be_lost_);
    EXPECT_EQ(twice, 0u);
    EXPECT_GT(answered, 0u);
    std::printf("%s: %llu messages answered, %llu lost with %llu consumers killed in a get\n",
                GetParam().name, static_cast<unsigned long long>(answered),
                static_cast<unsigned long long>(lost),
                static_cast<unsigned long long>(may_be_lost_));
  }

  struct Process {
    pid_t pid;
    bool consumes;
    std::uint32_t name;
  };
  std::uint64_t before_ = 0;
  Channel channel_;
  mutable Shared<History> history_;
  std::array<Process, 6> running_{};
  std::uint32_t producers_ = 0;
  std::uint32_t consumers_ = 0;
  std::uint64_t may_be_lost_ = 0;
};

TEST_P(HistoryKill, LosesNothingThatWasAnswered) {
  const int kills = onecopy::testing::wants_everything() ? 1000 : 60;
  const Watchdog watchdog(GetParam().name, onecopy::testing::wants_everything() ? 600 : 100);
  auto random = onecopy::testing::random_for(GetParam().name);
  const auto draw = [&](std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
  };
  for (std::size_t i = 0; i < running_.size(); ++i) {
    i % 2 == 0 ? start_producer(i) : start_consumer(i);
  }
  for (int killed = 0; killed < kills;) {
    os::sleep_until(os::Deadline::after(static_cast<os::Nanoseconds>(draw(6 * os::kMillisecond))));
    const std::size_t at = draw(running_.size());
    if (draw(4) == 0) {
      stop_for_a_while(at, static_cast<os::Nanoseconds>(draw(5 * os::kMillisecond)));
    } else {
      kill_and_replace(at);
      ++killed;
    }
  }
  history_->producers_stop = true;
  expect_end_of_all(false);
  history_->consumers_stop = true;
  expect_end_of_all(true);
  memory::reclaim_dead();
  expect_sound(channel_);
  // Whatever the last consumer left when it saw the sign to stop.
  consume(consumers_++);
  expect_history_right();
  expect_sound(channel_);
  channel_ = Channel();
  EXPECT_EQ(bytes_in_use(), before_);
  EXPECT_EQ(memory::validate_memory(), "");
  EXPECT_EQ(memory::take_census().members.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Under, HistoryKill,
    ::testing::Values(Load{"Unbounded", {}, true}, Load{"UnboundedUnreclaimed", {}, false},
                      Load{"Bounded", {.maximum = 10}, true},
                      Load{"BoundedInBytes", {.maximum_bytes = 60'000}, false}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace onecopy::channel
