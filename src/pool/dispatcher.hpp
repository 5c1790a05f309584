// The parent of a pool of C++: its workers, its tasks that are not done, and who takes in answers.
//
// No thread of its own. Of the threads that wait one is the *leader*: it takes answers, for all who
// wait, looks after the workers twenty times a second, and leads until its own task is done.
// The others sleep until theirs is, or until nobody leads.
//
// Any thread of the process that made it may call any function at any time; in other processes
// each answers Error::closed, or does nothing. A death of a worker at any instruction loses the
// task that it had and no other (crew.hpp); a death of the parent kills the workers.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <onecopy/error.hpp>
#include <onecopy/future.hpp>
#include <onecopy/task.hpp>

#include "memory/family.hpp"
#include "os/clock.hpp"
#include "os/loaded_code.hpp"
#include "pool/crew.hpp"
#include "process/child.hpp"

namespace onecopy::detail {

class Dispatcher {
 public:
  // Starts the workers.
  static Result<SharedPointer<Dispatcher>> create(std::uint32_t workers);

  std::uint32_t workers() const noexcept { return crew_.seat_count(); }

  Result<void> submit(const Callable& callable, ValueWrite arguments, SharedPointer<Task> task);
  // Until few enough tasks are under way for a map() to send one more.
  Result<void> wait_for_room();
  Result<bool> wait(Task& task, os::Deadline deadline, Stop stop);

  void close() noexcept;
  // Closes, waits for all tasks and collects the workers. Error::timed_out.
  Result<void> join(os::Deadline deadline);
  // Kills the workers and fails what is not done.
  void terminate() noexcept;

 private:
  friend class CountedObject<Dispatcher>;
  using Lock = std::unique_lock<std::mutex>;
  using Number = std::uint32_t;

  class Leadership;

  // A worker that has ended, and the task that its seat names.
  struct Dead {
    std::uint32_t seat;
    process::Child* child;
    std::optional<Number> task;
  };

  explicit Dispatcher(pool::Crew crew);

  // In a forked child the threads are gone that would give back the lock.
  bool is_ours() const noexcept { return memory::self_ticket() == maker_; }
  Result<void> check_ours() const;

  // With the lock held; so are those that take one, which give it back for as long as they wait.
  Result<void> put(const channel::Outgoing& message, Number& number);
  void finish(Task& task, UniquePointer<TaskFailure> failure) noexcept;
  void fail_all(const TaskFailure& failure);
  void break_down(TaskFailure failure);
  bool is_broken() const noexcept { return broken_.failure.code != Error::none; }
  bool has_room() const noexcept;
  template <class Done>
  bool wait_until(Lock& lock, const Done& done, os::Deadline deadline, Stop stop = {});
  template <class Done>
  bool lead(Lock& lock, const Done& done, os::Deadline deadline, Stop stop = {});
  template <class Act>
  bool lead_alone(Lock& lock, const Act& act);

  // By the leader, without the lock.
  bool take_in_one(os::Deadline deadline);
  void take_in(channel::Incoming& answer);
  void look_after_workers();
  void settle(const std::vector<Dead>& dead);
  void lose(const Dead& dead);
  void refill();
  Result<void> fill_seats();

  const memory::Ticket maker_ = memory::self_ticket();
  const os::LoadedCode code_ = os::LoadedCode::take();
  pool::Crew crew_;

  // The leader's.
  std::vector<std::optional<process::Child>> children_;  // by seat
  os::Nanoseconds next_look_ = 0;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::unordered_map<Number, SharedPointer<Task>> tasks_;  // not done
  std::size_t bytes_ = 0;                                  // of those
  std::uint32_t followers_ = 0;
  std::uint32_t deaths_ = 0;  // since the last answer
  bool led_ = false;
  bool closing_ = false;
  TaskFailure broken_;  // why nothing can be done any more
};

}  // namespace onecopy::detail
