/// \file
/// Conditions between processes: waiting, without a lock, for what is to be looked at under it.
///
///     onecopy::Lock lock;  // make them before the processes that share them
///     onecopy::Condition changed;
///     onecopy::Value<int> stock(0);
///     auto worker = onecopy::Process::start([&] {
///       std::unique_lock guard(lock);
///       changed.wait(guard, [&] { return stock.get() > 0; });
///       ...
///     });
///     ...
///     std::scoped_lock guard(lock);
///     stock.set(10);
///     changed.notify_all();
///
/// The names are those of std::condition_variable_any, and so is the rule: all who wait at the same
/// time do so with the same lock, a Lock, an RLock or a std::unique_lock of one, which the caller
/// holds once. Any thread of any process that has a condition may call anything but the moves and
/// the destructor at the same time. Nobody is let go but by a notification, those first who have
/// waited longest. Waiting goes on through signals. The condition lives until the last process that
/// knows it has ended.
///
/// A waiter that dies before it has the lock again leaves no ghost: its notification goes to the
/// next of those who waited when it was given, within 100 ms. A notifier waits for nobody; one that
/// dies has notified some of those that it meant to, and perhaps none.
///
/// Making one throws onecopy::Exception, or answers with a Result, where there is no memory
/// (Error::no_memory). Waiting throws it where 1024 threads wait already, and waiting and notifying
/// where this process is no member of the family and cannot become one (Error::too_many). What the
/// lock throws goes through, and the notification, if there was one, to the next.
#pragma once

#include <cstdint>
#include <utility>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/stop.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// What threads wait at until another says that something has changed. The head of condition.hpp
/// says who may call what, and what a death leaves. Who waits spins for some microseconds before it
/// sleeps; a notification is a system call where somebody sleeps.
class Condition {
 public:
  /// Throws Exception.
  Condition() : Condition(create().value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Condition> create();
  /// The other is no condition any more: it can be destroyed or assigned to, and nothing else.
  Condition(Condition&&) noexcept;
  /// Lets go of the condition that it was; then as the constructor.
  Condition& operator=(Condition&&) noexcept;
  /// Lets go of it; the last process to do so frees it.
  ~Condition();

  /// Releases the lock, waits to be notified, takes the lock again.
  template <class Lockable>
  void wait(Lockable& lock) {
    static_cast<void>(wait_within(lock, detail::kForever));
  }
  /// The same for that time at most, and as long as it takes to have the lock again. Whether it was
  /// notified in time.
  template <class Lockable, detail::Duration Time>
  bool wait_for(Lockable& lock, Time time) {
    return wait_within(lock, detail::nanoseconds(time));
  }
  /// The same until that point of a clock.
  template <class Lockable, detail::TimePoint Time>
  bool wait_until(Lockable& lock, Time when) {
    return wait_for(lock, when - Time::clock::now());
  }

  /// Waits until `fulfilled`, which is asked under the lock, before the first notification too.
  template <class Lockable, class Predicate>
  void wait(Lockable& lock, Predicate fulfilled) {
    while (!fulfilled()) wait(lock);
  }
  /// The same for that time at most; the last answer of `fulfilled`.
  template <class Lockable, detail::Duration Time, class Predicate>
  bool wait_for(Lockable& lock, Time time, Predicate fulfilled) {
    const std::int64_t deadline = deadline_after(detail::nanoseconds(time));
    while (!fulfilled()) {
      if (!wait_within(lock, remaining(deadline))) return fulfilled();
    }
    return true;
  }
  /// The same until that point of a clock.
  template <class Lockable, detail::TimePoint Time, class Predicate>
  bool wait_until(Lockable& lock, Time when, Predicate fulfilled) {
    while (!fulfilled()) {
      if (!wait_until(lock, when)) return fulfilled();
    }
    return true;
  }

  /// Waits until `fulfilled`, or a stop is asked for (onecopy/stop.hpp); the last answer of
  /// `fulfilled`, which is asked under the lock. A notification that came with the stop is its own
  /// where that is true.
  template <class Lockable, detail::StopToken Token, class Predicate>
  bool wait(Lockable& lock, const Token& stop, Predicate fulfilled) {
    const detail::Stop asked(stop);
    while (!fulfilled()) {
      if (asked.requested()) return false;
      if (!wait_within(lock, detail::kForever, asked)) return fulfilled();
    }
    return true;
  }

  /// Lets go who has waited longest. Call it under the lock, or after what the waiters look at was
  /// changed under it.
  void notify_one() { notify(1); }
  /// Lets go all who wait now.
  void notify_all() { notify(kAll); }

 private:
  static constexpr std::uint32_t kAll = 0xffffffff;

  // The place of one who waits: from its making on the thread is notified. Whoever leaves it
  // without coming back, by an exception, passes on its notification.
  class Seat {
   public:
    explicit Seat(Condition& condition);
    ~Seat();
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    // Whether it was notified; where not, that is the end of it.
    bool wait(std::int64_t wait, detail::Stop stop);
    void come_back() noexcept;

   private:
    Condition& condition_;
    std::uint32_t number_;
    bool taken_ = true;
  };

  template <class Lockable>
  bool wait_within(Lockable& lock, std::int64_t wait, detail::Stop stop = {}) {
    Seat seat(*this);
    lock.unlock();
    const bool notified = seat.wait(wait, stop);
    lock.lock();
    seat.come_back();
    return notified;
  }
  void notify(std::uint32_t most);
  // Points of the monotonic clock, or kForever.
  static std::int64_t deadline_after(std::int64_t wait) noexcept;
  static std::int64_t remaining(std::int64_t deadline) noexcept;

  struct State;
  explicit Condition(detail::UniquePointer<State> state) noexcept;
  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
