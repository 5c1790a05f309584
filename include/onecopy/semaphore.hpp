/// \file
/// Semaphores between processes: units that any process takes and gives back.
///
///     onecopy::BoundedSemaphore seats(4);  // make it before the processes that share it
///     auto worker = onecopy::Process::start([&] {
///       std::scoped_lock seat(seats);
///       ...
///     });
///
/// Any thread of any process that has a semaphore may call anything but the moves and the
/// destructor at the same time. Who takes a unit that is free makes no system call. Waiting goes on
/// through signals. The semaphore lives until the last process that knows it has ended.
///
/// A process that ends with units of a BoundedSemaphore, killed or not, gives them back: the next
/// waiter has one within 100 ms, and recovered() names the dead, as what the semaphore guards may
/// be half changed. A Semaphore is for signalling too, and nobody is to get a signal twice: of one,
/// only the units come back that were taken by lock() and its kin, which std::scoped_lock and
/// unique_lock call; those of acquire() are gone.
///
/// Making one throws onecopy::Exception, or answers with a Result, where there is no memory
/// (Error::no_memory) or the value is not from 0 to 2147483647 (Error::invalid); using one throws
/// it where this process is no member of the family and cannot become one (Error::too_many).
#pragma once

#include <cstddef>
#include <cstdint>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/stop.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

/// What both kinds have in common; the names are those of std::counting_semaphore.
class SemaphoreHandle {
 public:
  /// The other is no semaphore any more: it can be destroyed or assigned to, and nothing else.
  SemaphoreHandle(SemaphoreHandle&&) noexcept;
  /// Lets go of the semaphore that it was; then as the constructor.
  SemaphoreHandle& operator=(SemaphoreHandle&&) noexcept;
  /// Lets go of it; the last process to do so frees it.
  ~SemaphoreHandle();

  /// Takes a unit; waits while none is free, spinning for some microseconds before it sleeps.
  void acquire() { static_cast<void>(acquire_within(kForever, Use::consumed)); }
  /// Takes a unit, if one is free; whether one was.
  bool try_acquire() { return acquire_within(0, Use::consumed); }
  /// Takes a unit, if one can be had within that time; whether it was.
  template <Duration Time>
  bool try_acquire_for(Time time) {
    return acquire_within(nanoseconds(time), Use::consumed);
  }
  /// The same until that point of a clock.
  template <TimePoint Time>
  bool try_acquire_until(Time when) {
    return try_acquire_for(when - Time::clock::now());
  }
  /// Takes a unit, if one can be had before a stop is asked for (onecopy/stop.hpp); whether it was.
  template <StopToken Token>
  [[nodiscard]] bool acquire(const Token& stop) {
    return try_acquire() || wait_within(kForever, Use::consumed, Stop(stop));
  }
  /// Gives a unit back, whoever has taken it; a system call where somebody sleeps. Throws Exception
  /// (Error::invalid) where there would be more units than there may be.
  void release();

  /// As acquire(), for a unit that is had and not consumed: see the head of semaphore.hpp.
  void lock() { static_cast<void>(acquire_within(kForever, Use::had)); }
  /// As try_acquire(), for a unit that is had.
  bool try_lock() { return acquire_within(0, Use::had); }
  /// As try_acquire_for(), for a unit that is had.
  template <Duration Time>
  bool try_lock_for(Time time) {
    return acquire_within(nanoseconds(time), Use::had);
  }
  /// As try_acquire_until(), for a unit that is had.
  template <TimePoint Time>
  bool try_lock_until(Time when) {
    return try_lock_for(when - Time::clock::now());
  }
  /// As release().
  void unlock() { release(); }

  /// How many units are free; already old when another process uses the semaphore too.
  std::ptrdiff_t value() const noexcept;
  /// The last process that ended with units, which came back; 0: none so far.
  int recovered() const noexcept;

  /// @cond engine
 protected:
  struct State;
  explicit SemaphoreHandle(UniquePointer<State> state) noexcept;
  static Result<UniquePointer<State>> make(std::ptrdiff_t value, bool bounded);

 private:
  enum class Use : bool { consumed, had };
  bool acquire_within(std::int64_t wait, Use use);
  bool wait_within(std::int64_t wait, Use use, Stop stop);
  UniquePointer<State> state_;
  /// @endcond
};

}  // namespace detail

/// Units that are taken and given back, or signals. The head of semaphore.hpp says what a death
/// leaves of them. Taking a free unit is four atomic operations.
class Semaphore : public detail::SemaphoreHandle {
 public:
  /// With so many units. Throws Exception.
  explicit Semaphore(std::ptrdiff_t value) : Semaphore(create(value).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Semaphore> create(std::ptrdiff_t value);

 private:
  using SemaphoreHandle::SemaphoreHandle;
};

/// A semaphore that never has more units than it began with. Else as Semaphore.
class BoundedSemaphore : public detail::SemaphoreHandle {
 public:
  /// With so many units. Throws Exception.
  explicit BoundedSemaphore(std::ptrdiff_t value)
      : BoundedSemaphore(create(value).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<BoundedSemaphore> create(std::ptrdiff_t value);

 private:
  using SemaphoreHandle::SemaphoreHandle;
};

}  // namespace onecopy
