/// \file
/// Barriers between processes: parties that wait until all have come.
///
///     onecopy::Barrier step(4, [&] { swap_halves(); });  // make it before the processes
///     std::vector<onecopy::Process> workers;
///     for (int i = 0; i < 4; ++i) {
///       workers.push_back(onecopy::Process::start([&] {
///         for (int round = 0; round < 100; ++round) {
///           compute(i);
///           step.wait();
///         }
///       }).value_or_throw());
///     }
///
/// Any thread of any process that has a barrier may call anything but the moves and the destructor
/// at the same time. The last to come runs the action, if there is one, while the others wait, and
/// then all go on. Waiting goes on through signals. The barrier lives until the last process that
/// knows it has ended.
///
/// A barrier is broken by abort(), by a party whose time is over, by an action that throws, and by
/// the death of a party that waits or acts: whoever waits, within 100 ms, and whoever comes until
/// somebody calls reset(), gets Error::broken_barrier. A party that dies when all have come and the
/// action is done is as if it had gone on.
///
/// wait() waits as long as it takes and throws onecopy::Exception; wait_for() and wait_until()
/// answer with a Result. What the action throws goes through both. Making one throws, or answers
/// with a Result, where there is no memory (Error::no_memory) or the parties are not from 1 to
/// 2147483647 (Error::invalid); using one throws where this process is no member of the family and
/// cannot become one (Error::too_many).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// A number of parties that wait for each other, again and again. The head of barrier.hpp says who
/// may call what, and what a death leaves. To come to it costs some atomic operations under a lock
/// of its own, and system calls only to sleep and to wake.
class Barrier {
 public:
  /// What the last party to come does before all go on.
  using Action = std::function<void()>;

  /// For so many parties. Each process runs its own copy of the action. Throws Exception.
  explicit Barrier(std::ptrdiff_t parties, Action action = {})
      : Barrier(create(parties, std::move(action)).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Barrier> create(std::ptrdiff_t parties, Action action = {});
  /// The other is no barrier any more: it can be destroyed or assigned to, and nothing else.
  Barrier(Barrier&&) noexcept;
  /// Lets go of the barrier that it was; then as the constructor.
  Barrier& operator=(Barrier&&) noexcept;
  /// Lets go of it; the last process to do so frees it.
  ~Barrier();

  /// Waits until all parties have come. Which of them this is: how many had come before it. Throws
  /// Exception (Error::broken_barrier).
  std::ptrdiff_t wait() { return wait_within(detail::kForever).value_or_throw(); }
  /// The same within that time; a time-out breaks the barrier (Error::timed_out). The time runs
  /// from when it has come in, which is not before those of the last time have left.
  template <detail::Duration Time>
  Result<std::ptrdiff_t> wait_for(Time time) {
    return wait_within(detail::nanoseconds(time));
  }
  /// The same until that point of a clock.
  template <detail::TimePoint Time>
  Result<std::ptrdiff_t> wait_until(Time when) {
    return wait_for(when - Time::clock::now());
  }

  /// Breaks the barrier, until reset(). Waits while another thread runs the action.
  void abort();
  /// As new, for those who come from now on; who waits finds it broken. Waits while another thread
  /// runs the action.
  void reset();

  /// How many have to come.
  std::ptrdiff_t parties() const noexcept;
  /// How many wait for the others; already old when another process uses the barrier too.
  std::ptrdiff_t waiting() const noexcept;
  /// Whether it is broken; already old when another process uses the barrier too.
  bool broken() const noexcept;

 private:
  struct State;
  explicit Barrier(detail::UniquePointer<State> state) noexcept;
  Result<std::ptrdiff_t> wait_within(std::int64_t wait);

  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
