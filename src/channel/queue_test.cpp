#include <onecopy/queue.hpp>

#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "os/testing.hpp"

namespace onecopy {

// Throws in the middle of being read, or written.
struct Explosive {
  bool on_write = false;
};

template <>
struct Codec<Explosive> {
  static void write(Encoder& to, const Explosive& value) {
    to.open_tuple(2);
    to.bytes(std::vector<std::byte>(100'000));
    if (value.on_write) throw std::runtime_error("while writing");
    to.none();
    to.close();
  }
  static void read(Decoder& from, Explosive&) {
    from.open_sequence();
    throw std::runtime_error("while reading");
  }
};

namespace {

using namespace std::chrono_literals;
using os::testing::Child;

std::vector<double> numbers(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

std::uint64_t bytes_in_blocks() { return memory::take_census().in_use; }

TEST(Queue, GivesBackWhatWasPutInOrder) {
  Queue<std::string> queue;

  queue.put("first");
  queue.put("second");

  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.get(), "first");
  EXPECT_EQ(queue.get(), "second");
  EXPECT_TRUE(queue.empty());
}

TEST(Queue, AnswersAtOnceWhenAskedTo) {
  Queue<int> queue(1);

  EXPECT_EQ(queue.try_get().error(), Error::empty);
  EXPECT_TRUE(queue.try_put(1));
  EXPECT_EQ(queue.try_put(2).error(), Error::full);
  EXPECT_EQ(*queue.try_get(), 1);
}

TEST(Queue, GivesUpInTime) {
  Queue<int> queue(1);

  EXPECT_EQ(queue.get_for(1ms).error(), Error::timed_out);
  EXPECT_EQ(queue.get_for(0s).error(), Error::timed_out);
  EXPECT_EQ(queue.get_for(-1s).error(), Error::timed_out);
  EXPECT_TRUE(queue.put_for(1, 1h));
  EXPECT_EQ(queue.put_for(2, 1ms).error(), Error::timed_out);
  EXPECT_EQ(queue.put_for(2, 0.5us).error(), Error::timed_out);
}

TEST(Queue, CarriesLargeVectorsBetweenProcesses) {
  Queue<std::vector<double>> queue;
  Child child([&] {
    queue.put(numbers(1'000'000));
    return 0;
  });

  EXPECT_EQ(queue.get(), numbers(1'000'000));
  EXPECT_TRUE(child.collect().success());
}

TEST(Queue, KeepsTheMessageOfASenderThatHasEnded) {
  Queue<std::vector<double>> queue;
  Child child([&] {
    queue.put(numbers(100'000));
    return 0;
  });
  ASSERT_TRUE(child.collect().success());

  memory::reclaim_dead();

  EXPECT_EQ(*queue.try_get(), numbers(100'000));
}

TEST(Queue, SendsWhatTheValueWasAtTheMomentOfThePut) {
  Queue<std::vector<double>> queue;
  std::vector<double> values = numbers(10'000);

  queue.put(values);
  values.assign(values.size(), -1);

  EXPECT_EQ(queue.get(), numbers(10'000));
}

TEST(Queue, WakesAGetterInAnotherProcess) {
  Queue<int> questions;
  Queue<int> answers;
  Child child([&] {
    for (int question = questions.get(); question >= 0; question = questions.get()) {
      answers.put(question + 1);
    }
    return 0;
  });

  for (int i = 0; i < 1000; ++i) {
    questions.put(i);
    ASSERT_EQ(answers.get(), i + 1);
  }
  questions.put(-1);

  EXPECT_TRUE(child.collect().success());
}

TEST(Queue, WakesAPutterWhenThereIsRoom) {
  Queue<int> queue(2);
  Child child([&] {
    for (int i = 0; i < 1000; ++i) queue.put(i);
    return 0;
  });

  for (int i = 0; i < 1000; ++i) ASSERT_EQ(queue.get(), i);

  EXPECT_TRUE(child.collect().success());
}

TEST(Queue, GivesEveryValueToOneOfManyGetters) {
  constexpr int kGetters = 3;
  constexpr int kValues = 2000;
  Queue<int> work;
  Queue<std::pair<int, long>> sums;
  const auto add_up = [&] {
    long sum = 0;
    int count = 0;
    for (int value = work.get(); value >= 0; value = work.get()) {
      sum += value;
      ++count;
    }
    sums.put({count, sum});
    return 0;
  };
  Child first(add_up), second(add_up), third(add_up);

  for (int i = 0; i < kValues; ++i) work.put(i);
  for (int i = 0; i < kGetters; ++i) work.put(-1);

  int count = 0;
  long sum = 0;
  for (int i = 0; i < kGetters; ++i) {
    const auto [getter_count, getter_sum] = sums.get();
    count += getter_count;
    sum += getter_sum;
  }
  EXPECT_EQ(count, kValues);
  EXPECT_EQ(sum, long{kValues} * (kValues - 1) / 2);
}

TEST(Queue, ServesThreadsOfOneProcess) {
  Queue<std::vector<double>> queue(4);
  std::vector<std::thread> putters;
  putters.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    putters.emplace_back([&] {
      for (std::size_t i = 0; i < 200; ++i) queue.put(numbers(i * 10));
    });
  }

  std::size_t elements = 0;
  for (int i = 0; i < 4 * 200; ++i) elements += queue.get().size();
  for (std::thread& thread : putters) thread.join();

  EXPECT_EQ(elements, 4u * 10 * (200 * 199 / 2));
}

TEST(Queue, LeavesNothingBehindWhenACodecThrows) {
  Queue<Explosive> queue;
  queue.put({});
  EXPECT_THROW(queue.get(), std::runtime_error);
  const std::uint64_t before = bytes_in_blocks();

  EXPECT_THROW(queue.put({.on_write = true}), std::runtime_error);
  queue.put({});
  EXPECT_THROW(queue.get(), std::runtime_error);

  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(bytes_in_blocks(), before);
}

TEST(Queue, ThrowsWhatTheOthersReturn) {
  EXPECT_THROW(Queue<int>(std::size_t{1} << 40), Exception);
  EXPECT_EQ(Queue<int>::create(std::size_t{1} << 40).error(), Error::invalid);
}

TEST(Queue, MovesWithWhatLiesInIt) {
  Queue<int> queue(5);
  queue.put(7);

  Queue<int> moved = std::move(queue);

  EXPECT_EQ(moved.maximum(), 5u);
  EXPECT_EQ(moved.get(), 7);
}

}  // namespace
}  // namespace onecopy
