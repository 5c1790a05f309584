/// \file
/// Processes that run a function of this program and share its queues and pipes.
///
///     auto worker = onecopy::Process::start([&] { answers.put(compute()); }).value_or_throw();
///     ...
///     int code = worker.join().value_or_throw();
///
/// A process is made by fork (one that begins afresh: onecopy/spawn.hpp, or, many of them,
/// onecopy/template.hpp): it sees everything that
/// the caller has at that moment, as a copy of its own, except what is shared by name. Only the
/// calling thread exists in it, so a program that holds locks in other threads starts its processes
/// first. The function's int becomes the exit code; void is 0, and an exception that nobody catches
/// is reported on stderr and is 1. Neither static destructors nor exit handlers run in it.
///
/// One thread at a time may use a Process, and only in the process that started it: elsewhere every
/// call answers Error::closed. When the caller dies, daemons die within moments, busy or not; other
/// processes live on. When a process dies at any instruction, whatever it held is taken back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/stop.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// How a process is to be started.
struct ProcessOptions {
  std::string name = {};  ///< for reports
  bool daemon = false;    ///< whether it ends with the process that started it
};

namespace detail {

struct ProcessBody {
  int (*run)(void* callable);
  void* callable;
};

struct Spawning;  // onecopy/spawn.hpp

}  // namespace detail

class Template;  // onecopy/template.hpp

/// A process that this one has started. The head of process.hpp says who may use it, and what a
/// death leaves.
class Process {
 public:
  /// Forks, and runs the callable in the child: about a millisecond. Error::too_many,
  /// Error::no_memory: the system has no room for a process more.
  template <class Callable>
    requires std::is_invocable_v<Callable&> &&
             (std::is_void_v<std::invoke_result_t<Callable&>> ||
              std::is_convertible_v<std::invoke_result_t<Callable&>, int>)
  static Result<Process> start(Callable&& callable, ProcessOptions options = {}) {
    using Plain = std::remove_reference_t<Callable>;
    if constexpr (std::is_function_v<Plain>) {
      return start(&callable, std::move(options));
    } else {
      // The child has its own copy of this stack, so the callable need not outlive the call here.
      const auto run = [](void* argument) -> int {
        Plain& body = *static_cast<Plain*>(argument);
        if constexpr (std::is_void_v<std::invoke_result_t<Callable&>>) {
          body();
          return 0;
        } else {
          return body();
        }
      };
      void* argument = const_cast<void*>(static_cast<const void*>(detail::address_of(callable)));
      return start_body({run, argument}, std::move(options));
    }
  }

  /// No process: every call answers Error::closed.
  Process() noexcept;
  /// The other is no process.
  Process(Process&&) noexcept;
  /// As the destructor, then the move.
  Process& operator=(Process&&) noexcept;
  /// Waits for the process to end, a daemon after killing it.
  ~Process();

  /// Whether there is a process, running or ended.
  bool valid() const noexcept;
  /// Its process id; 0 where there is none.
  int pid() const noexcept;
  /// What it was called; empty where there is no process.
  const std::string& name() const noexcept;

  /// Waits for the end: the exit code, or minus the number of the signal that ended it.
  /// Error::timed_out; Error::closed where the program collects its children in another way.
  Result<int> join();
  /// The same within that time.
  template <detail::Duration Time>
  Result<int> join_for(Time time) {
    return join_within(detail::nanoseconds(time));
  }
  /// The same before a stop is asked for (Error::stopped); see onecopy/stop.hpp.
  template <detail::StopToken Token>
  Result<int> join(const Token& stop) {
    return join_until(detail::Stop(stop));
  }
  /// Whether it runs: one system call.
  bool alive();
  /// What join() answers, of a process that has ended; nothing while it runs.
  std::optional<int> exit_code();

  /// Asks it to end (SIGTERM). Error::closed when it has ended.
  Result<void> terminate();
  /// Ends it (SIGKILL). Error::closed when it has ended.
  Result<void> kill();

  /// A descriptor, for poll() and select(), that is readable when the process has ended. It
  /// belongs to the Process. Error::permission where the kernel has no such thing (before
  /// Linux 5.3).
  Result<int> watch();

 private:
  struct State;
  friend struct detail::Spawning;
  friend class Template;
  explicit Process(detail::UniquePointer<State> state) noexcept;
  static Result<Process> start_body(detail::ProcessBody body, ProcessOptions options);
  Result<int> join_within(std::int64_t wait);
  Result<int> join_until(detail::Stop stop);
  void finish() noexcept;

  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
