// A test of one pool whose tasks and answers can be told from each other and from rubbish, and that
// must leave nothing behind in the end. For tests only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "channel/record.hpp"
#include "pool/answer.hpp"
#include "pool/crew.hpp"
#include "pool/worker.hpp"
#include "testing/messages.hpp"

namespace onecopy::testing {

using TaskNumber = std::uint32_t;

inline pool::Crew make_crew(std::uint32_t seats) {
  auto made = pool::Crew::create(seats);
  EXPECT_TRUE(made) << made.failure().text();
  return std::move(*made);
}

// As a parent, and a worker, of it has it.
inline pool::Worker sit_down(pool::Name name, std::uint32_t seat) {
  auto made = pool::Worker::open(name, seat);
  EXPECT_TRUE(made) << made.failure().text();
  return std::move(*made);
}

// Lets the next task have that number, as if so many had been put and answered already.
inline void begin_numbers_at(pool::Crew& crew, TaskNumber first) {
  channel::ChannelRecord& record = channel::record_of(crew.name().tasks.index);
  const channel::Progress progress{first, 0};
  record.put = progress;
  channel::commit(record.published, progress);
  channel::commit(record.taken, progress);
  record.done.store(first, std::memory_order_relaxed);
}

// The number of the task.
inline TaskNumber put_task(pool::Crew& crew, const Draft& task) {
  TaskNumber number = 0;
  const channel::Put outcome = put_by(task, [&](const channel::Outgoing& message) {
    return crew.put(message, channel::Contend::yes, number);
  });
  EXPECT_EQ(outcome, channel::Put::done);
  return number;
}

// A task as its worker sees it.
struct TakenTask {
  channel::Get outcome;
  TaskNumber number = 0;
  std::string wrong;  // what is not as it was put; empty: all is
};

inline TakenTask take_task(pool::Worker& worker) {
  channel::Incoming message;
  TakenTask task{};
  task.outcome = worker.take(message, channel::Contend::yes, task.number);
  if (task.outcome == channel::Get::done) task.wrong = examine(message).wrong;
  return task;
}

// The answer of task n is message n of that shape.
inline Draft draft_answer(TaskNumber number, const Shape& shape) {
  Draft answer = draft(number, shape);
  message::ByteBuffer body;
  body.append(answer.body.data(), answer.body.size());
  pool::append_verdict(body, {number, true});
  answer.body.assign(body.span().begin(), body.span().end());
  return answer;
}

inline channel::Put put_answer(pool::Worker& worker, const Draft& answer) {
  return put_by(answer, [&worker](const channel::Outgoing& message) {
    return worker.answer(message, channel::Contend::yes);
  });
}

inline channel::Put answer_task(pool::Worker& worker, TaskNumber number, const Shape& shape) {
  return put_answer(worker, draft_answer(number, shape));
}

// The task that an answer is the answer of; nothing: there is no answer.
inline std::optional<TaskNumber> get_answer(pool::Crew& crew) {
  channel::Incoming message;
  const channel::Get outcome = crew.get(message, channel::Contend::yes);
  if (outcome == channel::Get::empty) return std::nullopt;
  EXPECT_EQ(outcome, channel::Get::done);
  const auto verdict = pool::cut_off_verdict(message);
  EXPECT_TRUE(verdict && verdict->success);
  const Taken taken = examine(message);
  EXPECT_EQ(taken.wrong, "");
  EXPECT_TRUE(verdict && taken.number == verdict->number);
  return taken.number;
}

inline std::vector<TaskNumber> drain_answers(pool::Crew& crew) {
  std::vector<TaskNumber> numbers;
  while (const auto number = get_answer(crew)) numbers.push_back(*number);
  return numbers;
}

// One worker's life: answers task after task until the pool closes.
inline void work(pool::Worker& worker, const Shape& shape) {
  for (;;) {
    const bool closing = worker.is_closing();
    const TakenTask task = take_task(worker);
    if (task.outcome == channel::Get::empty && closing) return;
    if (task.outcome == channel::Get::empty) {
      worker.wait_for_task(os::Deadline::never());
      continue;
    }
    ASSERT_EQ(task.outcome, channel::Get::done);
    ASSERT_EQ(task.wrong, "");
    ASSERT_EQ(answer_task(worker, task.number, shape), channel::Put::done);
  }
}

// What a parent keeps of the tasks it has put, and how it finds out which are lost.
class TaskBook {
 public:
  void put(TaskNumber number) { open_.push_back(number); }
  // False: there is no such task, or it was answered or lost already.
  bool close(TaskNumber number) { return std::erase(open_, number) == 1; }
  const std::vector<TaskNumber>& open() const { return open_; }

  // The tasks that were lost with the worker in seat `dead`, which has ended, while those in the
  // seats `living` may go on. Answers that come to light are closed. As crew.hpp says.
  std::vector<TaskNumber> settle(pool::Crew& crew, std::uint32_t dead,
                                 const std::vector<std::uint32_t>& living) {
    std::vector<TaskNumber> lost;
    std::ranges::copy_if(open_, std::back_inserter(lost),
                         [&crew](TaskNumber number) { return crew.is_taken(number); });
    for (const std::uint32_t seat : living) {
      if (const auto number = crew.at(seat)) std::erase(lost, *number);
    }
    const auto named = crew.at(dead);
    for (const TaskNumber number : drain_answers(crew)) {
      EXPECT_TRUE(close(number)) << "answered twice, or lost and answered: " << number;
      std::erase(lost, number);
    }
    for (const TaskNumber number : lost) {
      EXPECT_EQ(named, number) << "lost with somebody else";
      EXPECT_TRUE(close(number));
    }
    return lost;
  }

 private:
  std::vector<TaskNumber> open_;
};

class PoolFixture : public ::testing::Test {
 protected:
  using Numbers = std::vector<TaskNumber>;

  PoolFixture() {
    EXPECT_TRUE(memory::join_family());
    before_ = bytes_in_use();
  }

  void expect_sound(pool::Crew& crew) const {
    EXPECT_EQ(crew.validate(), "");
    EXPECT_EQ(memory::validate_memory(), "");
  }

  // To be called once every pool of the test is gone.
  void expect_no_leak() const {
    memory::reclaim_dead();
    EXPECT_EQ(bytes_in_use(), before_);
    EXPECT_EQ(memory::validate_memory(), "");
  }

  std::uint64_t before_ = 0;  // bytes in use without the pool
};

}  // namespace onecopy::testing
