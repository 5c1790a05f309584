/// \file
/// Processes that run a function of this program and begin afresh: the program is started anew, and
/// calls the function in place of its main().
///
///     int work(std::string name, int count) { ... }
///
///     int main() {
///       onecopy::run_spawned();  // first of all: in such a process it does not return
///       auto child = onecopy::spawn(work, "left", 5).value_or_throw();
///       int code = child.join().value_or_throw();
///     }
///
/// Where a fork copies all that its parent has in memory, with whatever its other threads were at,
/// such a process has nothing of it but its arguments. So it may be started whatever the other
/// threads do, and costs what it costs to start the program: some milliseconds. It is a member of
/// the family: what has been published (onecopy/names.hpp) it finds.
///
/// The function is sent as its place in the program, or in a library that the program loads before
/// it comes to run_spawned(). It may be a function or a lambda that has captured nothing. Arguments
/// travel as those of a pool's task do (onecopy/task.hpp): as copies, a std::span arrives as a
/// std::vector, and text of any kind as a std::string. Its int becomes the exit code; void is 0,
/// and an exception that nobody catches is reported on stderr and is 1. Then the process ends as by
/// std::exit().
///
/// Where many are started, or each would have to prepare itself, a template starts them sooner:
/// onecopy/template.hpp.
///
/// Any thread may call spawn(). For the Process and its end see onecopy/process.hpp. A parent that
/// dies at any instruction leaves a child that runs, or none.
///
/// Nothing of Onecopy's is to be made before run_spawned(), as a global queue would be: such a
/// process would be in a family of its own. A function in a library that has no build id is called
/// at its place in whatever library has that path.
///
/// Errors, besides those of Process::start(). Error::invalid: an argument cannot be sent; the
/// function is null, or lies in nothing that is loaded; main() has not called run_spawned(); or the
/// program has more rights than who started it (setuid), so that it would not do what it is told to
/// by its environment. What was moved into a call that fails is as it was.
#pragma once

#include <type_traits>
#include <utility>

#include <onecopy/codec.hpp>
#include <onecopy/error.hpp>
#include <onecopy/process.hpp>
#include <onecopy/task.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

struct Spawning {
  static Result<Process> start(ProcessOptions options, const Callable& callable,
                               ValueWrite arguments);
};

// Starts something by `start(callable, arguments)`, which is given both as they are sent.
template <class Start, class Function, class... Arguments>
auto send_call(Start&& start, Function function, Arguments&&... arguments)
    -> decltype(start(Callable{}, ValueWrite{})) {
  using Types = TaskOf<Function, std::remove_cvref_t<Arguments>...>;
  static_assert(std::is_empty_v<Function> || kIsFunction<Function>,
                "a process that begins afresh has nothing that a lambda could have captured: give "
                "it what it needs as arguments");
  static_assert(
      std::is_void_v<typename Types::Returned> || std::is_same_v<typename Types::Returned, int>,
      "the function's result becomes the exit code: it is void, or an int");
  if constexpr (kIsFunction<Function>) {
    if (function == nullptr) return Failure{Error::invalid, 0, "there is no function to spawn"};
  }
  const ArgumentsWrite<Arguments...> given(std::forward<Arguments>(arguments)...);
  return start(Types::send(function), given.write());
}

}  // namespace detail

/// To be called first of all in main(). In a process that spawn() has started it runs the function,
/// and ends the process. In any other it does nothing: it looks for variables of the environment.
void run_spawned();

/// Starts this program anew, to call the function with copies of these arguments.
template <class Function, class... Arguments>
Result<Process> spawn(ProcessOptions options, Function function, Arguments&&... arguments) {
  return detail::send_call(
      [&](const detail::Callable& callable, detail::ValueWrite given) {
        return detail::Spawning::start(std::move(options), callable, given);
      },
      function, std::forward<Arguments>(arguments)...);
}
/// The same, with no name, and not as a daemon.
template <class Function, class... Arguments>
  requires(!std::is_same_v<std::remove_cvref_t<Function>, ProcessOptions>)
Result<Process> spawn(Function function, Arguments&&... arguments) {
  return spawn(ProcessOptions{}, function, std::forward<Arguments>(arguments)...);
}

}  // namespace onecopy
