// An event between processes: set or not, and waited for.
//
//   onecopy::Event ready;  // make it before the processes that share it
//   auto worker = onecopy::Process::start([&] {
//     ready.wait();
//     ...
//   });
//   ready.set();
//
// Any thread of any process that has an event may call anything but the moves and the destructor at
// the same time. What was written before set() is seen by who is let go. Nobody makes a system call
// but to sleep, and to wake where somebody sleeps. Waiting goes on through signals, and whoever
// dies holds nobody up. The event lives until the last process that knows it has ended.
//
// Making one throws onecopy::Exception, or answers with a Result, where there is no memory
// (Error::no_memory); using one throws it where this process is no member of the family and cannot
// become one (Error::too_many).
#pragma once

#include <cstdint>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

class Event {
 public:
  Event() : Event(create().value_or_throw()) {}
  static Result<Event> create();
  Event(Event&&) noexcept;
  Event& operator=(Event&&) noexcept;
  ~Event();

  // Lets go all who wait, and who come later.
  void set();
  // From now on those who come wait until it is set.
  void clear();
  bool is_set() const noexcept;

  void wait() { static_cast<void>(wait_within(detail::kForever)); }
  // Whether it was set in time, at any moment since the call: also where it is cleared by now.
  template <detail::Duration Time>
  bool wait_for(Time time) {
    return wait_within(detail::nanoseconds(time));
  }
  template <detail::TimePoint Time>
  bool wait_until(Time when) {
    return wait_for(when - Time::clock::now());
  }

 private:
  struct State;
  explicit Event(detail::UniquePointer<State> state) noexcept;
  bool wait_within(std::int64_t wait);

  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
