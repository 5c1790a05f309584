// Semaphores between processes: units that any process takes and gives back.
//
//   onecopy::BoundedSemaphore seats(4);  // make it before the processes that share it
//   auto worker = onecopy::Process::start([&] {
//     std::scoped_lock seat(seats);
//     ...
//   });
//
// Any thread of any process that has a semaphore may call anything but the moves and the destructor
// at the same time. Who takes a unit that is free makes no system call. Waiting goes on through
// signals. The semaphore lives until the last process that knows it has ended.
//
// A process that ends with units of a BoundedSemaphore, killed or not, gives them back: the next
// waiter has one within 100 ms, and recovered() names the dead, as what the semaphore guards may be
// half changed. A Semaphore is for signalling too, and nobody is to get a signal twice: of one,
// only the units come back that were taken by lock() and its kin, which std::scoped_lock and
// unique_lock call; those of acquire() are gone.
//
// Making one throws onecopy::Exception, or answers with a Result, where there is no memory
// (Error::no_memory) or the value is not from 0 to 2147483647 (Error::invalid); using one throws it
// where this process is no member of the family and cannot become one (Error::too_many).
#pragma once

#include <cstddef>
#include <cstdint>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

// What both kinds have in common; the names are those of std::counting_semaphore.
class SemaphoreHandle {
 public:
  SemaphoreHandle(SemaphoreHandle&&) noexcept;
  SemaphoreHandle& operator=(SemaphoreHandle&&) noexcept;
  ~SemaphoreHandle();

  void acquire() { static_cast<void>(acquire_within(kForever, Use::consumed)); }
  bool try_acquire() { return acquire_within(0, Use::consumed); }
  template <Duration Time>
  bool try_acquire_for(Time time) {
    return acquire_within(nanoseconds(time), Use::consumed);
  }
  template <TimePoint Time>
  bool try_acquire_until(Time when) {
    return try_acquire_for(when - Time::clock::now());
  }
  // By whomever. Throws Exception (Error::invalid) where there would be more units than there may
  // be.
  void release();

  // The same, for a unit that is had and not consumed: see above.
  void lock() { static_cast<void>(acquire_within(kForever, Use::had)); }
  bool try_lock() { return acquire_within(0, Use::had); }
  template <Duration Time>
  bool try_lock_for(Time time) {
    return acquire_within(nanoseconds(time), Use::had);
  }
  template <TimePoint Time>
  bool try_lock_until(Time when) {
    return try_lock_for(when - Time::clock::now());
  }
  void unlock() { release(); }

  // How many units are free; already old when another process uses the semaphore too.
  std::ptrdiff_t value() const noexcept;
  // The last process that ended with units, which came back; 0: none so far.
  int recovered() const noexcept;

 protected:
  struct State;
  explicit SemaphoreHandle(UniquePointer<State> state) noexcept;
  static Result<UniquePointer<State>> make(std::ptrdiff_t value, bool bounded);

 private:
  enum class Use : bool { consumed, had };
  bool acquire_within(std::int64_t wait, Use use);
  UniquePointer<State> state_;
};

}  // namespace detail

class Semaphore : public detail::SemaphoreHandle {
 public:
  explicit Semaphore(std::ptrdiff_t value) : Semaphore(create(value).value_or_throw()) {}
  static Result<Semaphore> create(std::ptrdiff_t value);

 private:
  using SemaphoreHandle::SemaphoreHandle;
};

// Never has more units than it began with.
class BoundedSemaphore : public detail::SemaphoreHandle {
 public:
  explicit BoundedSemaphore(std::ptrdiff_t value)
      : BoundedSemaphore(create(value).value_or_throw()) {}
  static Result<BoundedSemaphore> create(std::ptrdiff_t value);

 private:
  using SemaphoreHandle::SemaphoreHandle;
};

}  // namespace onecopy
