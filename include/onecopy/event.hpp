/// \file
/// An event between processes: set or not, and waited for.
///
///     onecopy::Event ready;  // make it before the processes that share it
///     auto worker = onecopy::Process::start([&] {
///       ready.wait();
///       ...
///     });
///     ready.set();
///
/// Any thread of any process that has an event may call anything but the moves and the destructor
/// at the same time. What was written before set() is seen by who is let go. Nobody makes a system
/// call but to sleep, and to wake where somebody sleeps. Waiting goes on through signals, and
/// whoever dies holds nobody up. The event lives until the last process that knows it has ended.
///
/// Making one throws onecopy::Exception, or answers with a Result, where there is no memory
/// (Error::no_memory); using one throws it where this process is no member of the family and cannot
/// become one (Error::too_many).
#pragma once

#include <cstdint>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/stop.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// A flag that threads wait for. The head of event.hpp says who may call what, and what a death
/// leaves.
class Event {
 public:
  /// Not set. Throws Exception.
  Event() : Event(create().value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Event> create();
  /// The other is no event any more: it can be destroyed or assigned to, and nothing else.
  Event(Event&&) noexcept;
  /// Lets go of the event that it was; then as the constructor.
  Event& operator=(Event&&) noexcept;
  /// Lets go of it; the last process to do so frees it.
  ~Event();

  /// Lets go all who wait, and who come later.
  void set();
  /// From now on those who come wait until it is set.
  void clear();
  /// Whether it is set; already old when another process uses the event too.
  bool is_set() const noexcept;

  /// Waits until it is set, spinning for some microseconds before it sleeps.
  void wait() { static_cast<void>(wait_within(detail::kForever)); }
  /// Whether it was set in time, at any moment since the call: also where it is cleared by now.
  template <detail::Duration Time>
  bool wait_for(Time time) {
    return wait_within(detail::nanoseconds(time));
  }
  /// The same until that point of a clock.
  template <detail::TimePoint Time>
  bool wait_until(Time when) {
    return wait_for(when - Time::clock::now());
  }
  /// Whether it was set before a stop was asked for (onecopy/stop.hpp).
  template <detail::StopToken Token>
  bool wait(const Token& stop) {
    return wait_within(detail::kForever, detail::Stop(stop));
  }

 private:
  struct State;
  explicit Event(detail::UniquePointer<State> state) noexcept;
  bool wait_within(std::int64_t wait, detail::Stop stop = {});

  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
