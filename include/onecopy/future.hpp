/// \file
/// The result of a task of a pool (onecopy/pool.hpp), which comes later.
///
///     onecopy::Future<double> sum = pool.submit(add_up, numbers);
///     ...
///     use(sum.get());
///
/// One thread at a time may use a Future, of the process that submitted the task; in others, forked
/// children too, every call answers Error::closed. Whoever waits takes in what has come for all who
/// wait, so nothing needs a thread of its own. It may outlive its pool. To throw one away neither
/// stops its task nor waits for it.
///
/// What goes wrong arrives here. Error::task_failed: the function threw, and the message is what()
/// of that. Error::worker_died: the worker ended in the middle of it, by a crash, kill or exit.
/// Error::closed: the pool was terminated first, or the result was taken already. Others:
/// the result cannot be sent or received (no_memory, invalid). get() throws these, the first two as
/// TaskError and WorkerDied, which say more; try_get() and get_for() answer with a Result, and
/// Error::empty and Error::timed_out where there is no result yet. So does a get() that is given a
/// token (onecopy/stop.hpp), with Error::stopped: the task goes on, and may be waited for again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <onecopy/codec.hpp>
#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/stop.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// The function of the task threw.
class TaskError : public Exception {
 public:
  /// Made where the result arrives.
  TaskError(Failure failure, std::string type);
  /// Any thread may drop it.
  ~TaskError() override;
  /// Copies nothing but a pointer.
  TaskError(const TaskError&) noexcept = default;
  /// Copies nothing but a pointer.
  TaskError& operator=(const TaskError&) noexcept = default;

  /// Of what it threw, as the program spells it: "std::out_of_range".
  const std::string& type() const noexcept { return *type_; }

 private:
  detail::SharedPointer<const std::string> type_;
};

/// The worker ended before the task was done.
class WorkerDied : public Exception {
 public:
  /// Made where the result is missed.
  WorkerDied(Failure failure, int pid, int exit_code);
  /// Any thread may drop it.
  ~WorkerDied() override;
  /// Copies nothing but a pointer.
  WorkerDied(const WorkerDied&) noexcept = default;
  /// Copies nothing but a pointer.
  WorkerDied& operator=(const WorkerDied&) noexcept = default;

  /// The worker's process id; 0: no worker could be started any more.
  int pid() const noexcept { return pid_; }
  /// The number of the signal that ended it; 0: it exited, with exit_code().
  int signal() const noexcept { return exit_code_ < 0 ? -exit_code_ : 0; }
  /// Its exit code, or minus the number of the signal that ended it.
  int exit_code() const noexcept { return exit_code_; }

 private:
  int pid_;
  int exit_code_;
};

namespace detail {

class Dispatcher;

// Why a task has no result.
struct TaskFailure {
  Failure failure{};
  std::string type{};  // of the exception, with Error::task_failed
  int pid = 0;         // of the worker, with Error::worker_died
  int exit_code = 0;   // "
};

// A task as its parent has it. The dispatcher's, until it is done.
struct Task {
  explicit Task(ValueRead where) noexcept : result(where) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task();

  ValueRead result;                    // where it is read to
  std::size_t bytes = 0;               // of shared memory, until it is done
  UniquePointer<TaskFailure> failure;  // none: there is a result
  bool done = false;
};

template <class T>
struct TypedTask final : Task {
  TypedTask() noexcept(std::is_nothrow_default_constructible_v<T>) : Task(read_of(value)) {}
  T value{};
};

// Whether the task is done within so many nanoseconds, and before a stop is asked for.
// Error::closed in another process.
Result<bool> await(Dispatcher& dispatcher, Task& task, std::int64_t wait, Stop stop);
[[noreturn]] void throw_failure_of(TaskFailure& failure);

}  // namespace detail

/// The result of one task, which can be taken once. The head of future.hpp says who may use it, and
/// how deaths arrive here. Asking for what is there takes in what has come: some hundred
/// nanoseconds a result.
template <class T>
class [[nodiscard]] Future {
 public:
  /// No task: valid() is false, and everything else answers Error::closed.
  Future() noexcept = default;
  /// The other has no task any more.
  Future(Future&&) noexcept = default;
  /// Throws its own task's result away; then as the constructor.
  Future& operator=(Future&&) noexcept = default;

  /// Whether there is a result to come that nobody has taken.
  bool valid() const noexcept { return task_ != nullptr; }
  /// Whether get() would answer at once.
  bool ready() { return await(0).value_or_throw(); }
  /// Waits until get() would answer at once.
  void wait() { static_cast<void>(await(detail::kForever).value_or_throw()); }
  /// The same for that time at most; whether it would.
  template <detail::Duration Time>
  bool wait_for(Time time) {
    return await(detail::nanoseconds(time)).value_or_throw();
  }
  /// The same before a stop is asked for.
  template <detail::StopToken Token>
  bool wait(const Token& stop) {
    return await(detail::kForever, detail::Stop(stop)).value_or_throw();
  }

  /// Waits and takes the result; throws what came instead of it.
  T get() {
    wait();
    const detail::SharedPointer<Task> task = std::move(task_);
    if (task->failure != nullptr) detail::throw_failure_of(*task->failure);
    if constexpr (!std::is_void_v<T>) return std::move(task->value);
  }
  /// The result, if it is there, with every failure as a value; else Error::empty.
  Result<T> try_get() { return take(0, Error::empty); }
  /// The same, if it comes within that time; else Error::timed_out.
  template <detail::Duration Time>
  Result<T> get_for(Time time) {
    return take(detail::nanoseconds(time), Error::timed_out);
  }
  /// The same, if it comes before a stop is asked for; else Error::stopped.
  template <detail::StopToken Token>
  Result<T> get(const Token& stop) {
    return take(detail::kForever, Error::stopped, detail::Stop(stop));
  }

 private:
  friend class Pool;
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  using Task = detail::TypedTask<Value>;

  Future(detail::SharedPointer<detail::Dispatcher> dispatcher,
         detail::SharedPointer<Task> task) noexcept
      : dispatcher_(std::move(dispatcher)), task_(std::move(task)) {}

  Result<bool> await(std::int64_t wait, detail::Stop stop = {}) {
    if (!valid()) return Failure{Error::closed, 0, "this Future has no result to wait for"};
    return detail::await(*dispatcher_, *task_, wait, stop);
  }
  Result<T> take(std::int64_t wait, Error not_yet, detail::Stop stop = {}) {
    Result<bool> done = await(wait, stop);
    if (!done) return std::move(done).failure();
    if (!*done) return not_yet;
    const detail::SharedPointer<Task> task = std::move(task_);
    if (task->failure != nullptr) return std::move(task->failure->failure);
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return std::move(task->value);
    }
  }

  detail::SharedPointer<detail::Dispatcher> dispatcher_;
  detail::SharedPointer<Task> task_;
};

}  // namespace onecopy
