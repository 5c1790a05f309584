// Barriers between processes: parties that wait until all have come.
//
//   onecopy::Barrier step(4, [&] { swap_halves(); });  // make it before the processes that share
//   it std::vector<onecopy::Process> workers; for (int i = 0; i < 4; ++i) {
//     workers.push_back(onecopy::Process::start([&] {
//       for (int round = 0; round < 100; ++round) {
//         compute(i);
//         step.wait();
//       }
//     }).value_or_throw());
//   }
//
// Any thread of any process that has a barrier may call anything but the moves and the destructor
// at the same time. The last to come runs the action, if there is one, while the others wait, and
// then all go on. Waiting goes on through signals. The barrier lives until the last process that
// knows it has ended.
//
// A barrier is broken by abort(), by a party whose time is over, by an action that throws, and by
// the death of a party that waits or acts: whoever waits, within 100 ms, and whoever comes until
// somebody calls reset(), gets Error::broken_barrier. A party that dies when all have come and the
// action is done is as if it had gone on.
//
// wait() waits as long as it takes and throws onecopy::Exception; wait_for() and wait_until()
// answer with a Result. What the action throws goes through both. Making one throws, or answers
// with a Result, where there is no memory (Error::no_memory) or the parties are not from 1 to
// 2147483647 (Error::invalid); using one throws where this process is no member of the family and
// cannot become one (Error::too_many).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

class Barrier {
 public:
  using Action = std::function<void()>;

  explicit Barrier(std::ptrdiff_t parties, Action action = {})
      : Barrier(create(parties, std::move(action)).value_or_throw()) {}
  static Result<Barrier> create(std::ptrdiff_t parties, Action action = {});
  Barrier(Barrier&&) noexcept;
  Barrier& operator=(Barrier&&) noexcept;
  ~Barrier();

  // Which of the parties this is: how many had come before it.
  std::ptrdiff_t wait() { return wait_within(detail::kForever).value_or_throw(); }
  // The time runs from when it has come in, which is not before those of the last time have left.
  template <detail::Duration Time>
  Result<std::ptrdiff_t> wait_for(Time time) {
    return wait_within(detail::nanoseconds(time));
  }
  template <detail::TimePoint Time>
  Result<std::ptrdiff_t> wait_until(Time when) {
    return wait_for(when - Time::clock::now());
  }

  // Both wait while another thread runs the action.
  void abort();
  // As new, for those who come from now on; who waits finds it broken.
  void reset();

  std::ptrdiff_t parties() const noexcept;
  // How many wait for the others; already old when another process uses the barrier too.
  std::ptrdiff_t waiting() const noexcept;
  bool broken() const noexcept;

 private:
  struct State;
  explicit Barrier(detail::UniquePointer<State> state) noexcept;
  Result<std::ptrdiff_t> wait_within(std::int64_t wait);

  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
