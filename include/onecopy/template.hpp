/// \file
/// A template: a clean process of this program, from which others start in a fraction of the time
/// that spawn() (onecopy/spawn.hpp) takes.
///
///     int work(std::string name) { ... }   // finds the model in a global, say
///
///     int main() {
///       onecopy::run_spawned();  // first of all, as for spawn()
///       auto prepared = onecopy::Template::start(load, "model.bin").value_or_throw();
///       auto child = prepared.spawn(work, "left").value_or_throw();
///       int code = child.join().value_or_throw();
///     }
///
/// The template is this program, started anew once; it does nothing but to fork, in its one thread,
/// whenever it is asked to. So its children have what it has prepared, as copies of their own, and
/// nothing of the process that asks: neither its memory nor the state of its threads. Their
/// standard streams, environment and current directory are the template's. In all else they are as
/// those of spawn(): so are the functions and arguments that may be sent, exit codes, and who is a
/// daemon. The template is a member of the family, and takes one of its places.
///
/// Any thread of the process that started a template may call spawn() at the same time; in others,
/// forked children too, it answers Error::closed. Moves and the destructor are for one thread.
///
/// A template ends with its owner, however that ends. One that is killed takes nothing with it: its
/// children live on, and can be waited for and killed, but how they end nobody learns: join()
/// answers Error::closed then, once they have. From then on spawn() answers Error::closed, and
/// another template has to be started. An owner that dies at any instruction leaves a child that
/// does what it was asked, or none; so does a template.
///
/// Errors, besides those of spawn(). Error::closed: the template has died, or is another process's.
/// Error::too_many: too many files are open, in the template, which has two for each child that
/// runs, or here, where a Process has one until it has been joined.
#pragma once

#include <type_traits>
#include <utility>

#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/process.hpp>
#include <onecopy/spawn.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// A process from which others are started. The head of template.hpp says who may call what, and
/// what a death leaves.
class Template {
 public:
  /// Starts one, as spawn() does, and waits until it is ready: some milliseconds.
  static Result<Template> start() {
    return start([] {});
  }
  /// The same, and the template first calls the function with copies of these arguments, so that
  /// all its children find what that has loaded. Where it throws, which is reported on stderr, or
  /// returns an int that is not 0, there is no template: Error::closed. A thread that it starts is
  /// none of its children's, as after every fork.
  template <class Function, class... Arguments>
  static Result<Template> start(Function prepare, Arguments&&... arguments) {
    return detail::send_call(start_call, prepare, std::forward<Arguments>(arguments)...);
  }

  /// No template: spawn() answers Error::closed.
  Template() noexcept;
  /// The other is none any more.
  Template(Template&&) noexcept;
  /// As the destructor, then the move.
  Template& operator=(Template&&) noexcept;
  /// The template ends, at once and without its exit handlers; its children live on. Where some are
  /// to be joined still, it ends after the last of them, to tell how they ended.
  ~Template();

  /// Starts a process that calls the function with copies of these arguments: about half a
  /// millisecond, and what it takes to fork all that the template has prepared, some milliseconds
  /// for 100 MB.
  template <class Function, class... Arguments>
  Result<Process> spawn(ProcessOptions options, Function function, Arguments&&... arguments) {
    return detail::send_call(
        [&](const detail::Callable& callable, detail::ValueWrite given) {
          return fork_call(std::move(options), callable, given);
        },
        function, std::forward<Arguments>(arguments)...);
  }
  /// The same, with no name, and not as a daemon.
  template <class Function, class... Arguments>
    requires(!std::is_same_v<std::remove_cvref_t<Function>, ProcessOptions>)
  Result<Process> spawn(Function function, Arguments&&... arguments) {
    return spawn(ProcessOptions{}, function, std::forward<Arguments>(arguments)...);
  }

  /// Whether there is a template; it may have died since.
  bool valid() const noexcept;
  /// Its process id; 0 where there is none.
  int pid() const noexcept;

 private:
  struct State;
  explicit Template(detail::UniquePointer<State> state) noexcept;
  static Result<Template> start_call(const detail::Callable& callable,
                                     detail::ValueWrite arguments);
  Result<Process> fork_call(ProcessOptions options, const detail::Callable& callable,
                            detail::ValueWrite arguments);

  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
