/// \file
/// A pool: workers, each a process of its own, that call functions of this program.
///
///     onecopy::Pool pool;  // as many workers as this process may use processors
///     std::vector<double> sums =
///         pool.map([](std::span<const double> block) { return sum(block); }, blocks);
///     onecopy::Future<int> answer = pool.submit(compute, 42);
///
/// What may be called, and what arrives of arguments: onecopy/task.hpp. The workers are forked when
/// the pool is made, and see everything that the program had then; so make it early, before
/// threads that hold locks. What a function prints, allocates or changes stays in its worker.
///
/// Any thread of the process that made the pool may call anything but the moves and the destructor
/// at the same time; in other processes, forked children and the workers too, every call answers
/// Error::closed. A task costs two messages and no thread: who waits
/// for a result takes in what has come, for all who wait. What nobody waits for is taken in by the
/// next submit().
///
/// A worker that dies, killed at any instruction or by a crash of the function, fails the one task
/// that it had with Error::worker_died (WorkerDied); all others are done, and another worker is
/// forked in its place, by whoever waits, from the program as it is then. Where more than
/// 8 + 2 * workers() die one after the other with no task done in between, the pool is broken: all
/// that is not done, or is submitted later, fails with that error. When the process that made the
/// pool dies, its workers are killed, busy or not.
///
/// Errors come as values from try_submit(), try_map() and the Future, and are thrown by the others.
/// Error::closed: the pool was closed. Error::no_memory names the limit in the way. Error::invalid:
/// an argument cannot be sent, or the function is in a library that was loaded after the pool was
/// made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/future.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/task.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// Processes that call functions of this program. The head of pool.hpp says who may call what, what
/// a death leaves and what a task costs.
class Pool {
 public:
  /// So many workers, each a fork; 0: as many as processors may be used, by cpu set and control
  /// group. Throws Exception: Error::too_many, Error::no_memory: the system has no room for them.
  explicit Pool(std::size_t workers = 0) : Pool(create(workers).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Pool> create(std::size_t workers = 0);
  /// The other is no pool any more: it can be destroyed or assigned to, and nothing else.
  Pool(Pool&& other) noexcept;
  /// As the destructor, then the move.
  Pool& operator=(Pool&& other) noexcept;
  /// As join(); where an exception is under way, as terminate().
  ~Pool();

  /// How many workers it has.
  std::size_t workers() const noexcept;

  /// A worker will call `callable` with copies of the arguments, made now, or with the memory
  /// itself of what is moved (onecopy/nd_view.hpp). Never waits for a worker: tasks pile up where
  /// none is free.
  template <class Callable, class... Arguments>
  auto submit(Callable&& callable, Arguments&&... arguments) {
    return try_submit(std::forward<Callable>(callable), std::forward<Arguments>(arguments)...)
        .value_or_throw();
  }
  /// As submit(), as a Result<Future<...>>.
  template <class Callable, class... Arguments>
  auto try_submit(Callable&& callable, Arguments&&... arguments) {
    using Made = Future<detail::TaskResult<Callable, std::remove_cvref_t<Arguments>...>>;
    auto task = detail::make_shared_pointer<typename Made::Task>();
    Result<void> put =
        put_task<Callable, Arguments...>(callable, task, std::forward<Arguments>(arguments)...);
    if (!put) return Result<Made>(std::move(put).failure());
    return Result<Made>(Made(dispatcher_, std::move(task)));
  }

  /// The results of calling `callable` with each item of a range, in the order of the range;
  /// nothing where it answers nothing. Once all are done, throws the first failure, if there was
  /// one. Reads on in the range as tasks get done: what has been sent and is not done is at most
  /// two tasks for each worker, or 64 MiB.
  template <class Callable, class Range>
  auto map(Callable&& callable, Range&& range) {
    auto futures = send_all(callable, range);
    using Returned = decltype(futures.back().get());
    for (auto& future : futures) future.wait();
    if constexpr (std::is_void_v<Returned>) {
      for (auto& future : futures) future.get();
    } else {
      std::vector<Returned> results;
      results.reserve(futures.size());
      for (auto& future : futures) results.push_back(future.get());
      return results;
    }
  }
  /// As map(), with each item's result or failure in its place.
  template <class Callable, class Range>
  auto try_map(Callable&& callable, Range&& range) {
    auto futures = send_all(callable, range);
    using Returned = decltype(futures.back().get());
    std::vector<Result<Returned>> results;
    results.reserve(futures.size());
    for (auto& future : futures) results.push_back(future.take(detail::kForever, Error::empty));
    return results;
  }

  /// Nothing more can be submitted.
  void close() noexcept;
  /// Closes, and waits until everything submitted is done and the workers have ended.
  /// Error::timed_out.
  Result<void> join() { return join_within(detail::kForever); }
  /// The same within that time.
  template <detail::Duration Time>
  Result<void> join_for(Time time) {
    return join_within(detail::nanoseconds(time));
  }
  /// Kills the workers. What is not done fails with Error::closed.
  void terminate() noexcept;

 private:
  explicit Pool(detail::SharedPointer<detail::Dispatcher> dispatcher) noexcept;

  Result<void> put(const detail::Callable& callable, detail::ValueWrite arguments,
                   detail::SharedPointer<detail::Task> task);
  // Until there is room for one more task of a map().
  Result<void> wait_for_room();
  Result<void> join_within(std::int64_t wait);
  void finish() noexcept;

  template <class Callable, class... Arguments>
  Result<void> put_task(const std::remove_reference_t<Callable>& callable,
                        detail::SharedPointer<detail::Task> task, Arguments&&... arguments) {
    using Types = detail::TaskOf<Callable, std::remove_cvref_t<Arguments>...>;
    const std::decay_t<Callable>& decayed = callable;
    const detail::ArgumentsWrite<Arguments...> given(std::forward<Arguments>(arguments)...);
    return put(Types::send(decayed), given.write(), std::move(task));
  }

  template <class Callable, class Range>
  auto send_all(const Callable& callable, Range& range) {
    // The type of the items, from the header that is here already.
    using Item = typename decltype(std::vector(std::begin(range), std::begin(range)))::value_type;
    using Made = Future<detail::TaskResult<Callable, Item>>;
    std::vector<Made> futures;
    if constexpr (requires { std::size(range); }) futures.reserve(std::size(range));
    for (auto&& item : range) {
      auto task = detail::make_shared_pointer<typename Made::Task>();
      Result<void> sent = wait_for_room();
      if (sent) sent = put_task<Callable, const Item&>(callable, task, item);
      if (!sent) {
        task->failure = detail::make_unique_pointer<detail::TaskFailure>(
            detail::TaskFailure{std::move(sent).failure()});
        task->done = true;
      }
      futures.push_back(Made(dispatcher_, std::move(task)));
    }
    return futures;
  }

  detail::SharedPointer<detail::Dispatcher> dispatcher_;
  int exceptions_;  // that were under way when this was made
};

}  // namespace onecopy
