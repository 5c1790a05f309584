/// \file
/// Locks between processes, which survive the death of who holds them.
///
///     onecopy::Lock lock;                          // make it before the processes that share it
///     auto worker = onecopy::Process::start([&] {
///       std::scoped_lock guard(lock);
///       ...
///     });
///
/// Any thread of any process that has a lock may call anything but the moves and the destructor at
/// the same time; std::scoped_lock, unique_lock and lock_guard take them. Who takes a lock that
/// nobody holds makes no system call. A process that ends, killed or not, releases the locks that
/// it holds: the next waiter has them within 100 ms, and recovered() names the dead, as what the
/// lock guards may be half changed. Waiting goes on through signals. The lock lives until the last
/// process that knows it has ended.
///
/// Making one throws onecopy::Exception, or answers with a Result, where there is no memory
/// (Error::no_memory); taking one throws it where this process is no member of the family and
/// cannot become one (Error::too_many).
#pragma once

#include <cstdint>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

class SharedElements;

/// What both kinds have in common.
class LockHandle {
 public:
  /// The other is no lock any more: it can be destroyed or assigned to, and nothing else.
  LockHandle(LockHandle&&) noexcept;
  /// Lets go of the lock that it was; then as the constructor.
  LockHandle& operator=(LockHandle&&) noexcept;
  /// Lets go of it; the last process to do so frees it.
  ~LockHandle();

  /// Takes it; waits while somebody else holds it, spinning for some microseconds before it sleeps.
  void lock() { static_cast<void>(lock_within(kForever)); }
  /// Takes it, if that can be had without waiting; whether it was.
  bool try_lock() { return lock_within(0); }
  /// Takes it, if that can be had within that time; whether it was.
  template <Duration Time>
  bool try_lock_for(Time time) {
    return lock_within(nanoseconds(time));
  }
  /// The same until that point of a clock.
  template <TimePoint Time>
  bool try_lock_until(Time when) {
    return try_lock_for(when - Time::clock::now());
  }
  /// Releases it; a system call where somebody sleeps. Throws Exception (Error::invalid) where
  /// nobody holds it, or, of an RLock, another thread.
  void unlock();

  /// The last process whose end released the lock; 0: none so far.
  int recovered() const noexcept;

  /// @cond engine
  struct State;
  State& state() const noexcept { return *state_; }

 protected:
  explicit LockHandle(UniquePointer<State> state) noexcept;
  static Result<UniquePointer<State>> make(bool recursive);

 private:
  bool lock_within(std::int64_t wait);
  UniquePointer<State> state_;
  /// @endcond
};

}  // namespace detail

/// A lock that any thread of any process may unlock, not only the one that locked it. The head of
/// lock.hpp says what a death leaves. Taking and leaving one that nobody else wants is two atomic
/// operations.
class Lock : public detail::LockHandle {
 public:
  /// Held by nobody. Throws Exception.
  Lock() : Lock(create().value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Lock> create();

 private:
  using LockHandle::LockHandle;
};

/// A lock whose holder, one thread of one process, may lock it again, and must unlock it as often.
/// Else as Lock.
class RLock : public detail::LockHandle {
 public:
  /// Held by nobody. Throws Exception.
  RLock() : RLock(create().value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<RLock> create();

 private:
  friend class detail::SharedElements;
  using LockHandle::LockHandle;
};

namespace detail {

// As std::lock_guard, whose header is dearer to compile than this one.
class Locked {
 public:
  explicit Locked(RLock& lock) : lock_(lock) { lock_.lock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  // It is held, so nothing is thrown.
  ~Locked() { lock_.unlock(); }  // NOLINT(bugprone-exception-escape)

 private:
  RLock& lock_;
};

}  // namespace detail

}  // namespace onecopy
