/// \file
/// A queue of values: put in by any process of the family, taken out by any other, in order.
///
/// Make the queue before starting the processes that share it and let them refer to it:
///
///     onecopy::Queue<std::vector<double>> answers;
///     auto worker = onecopy::Process::start([&] { answers.put(compute()); }).value_or_throw();
///     std::vector<double> answer = answers.get();
///
/// Any thread of any process may call anything but the moves and the destructor at the same time. A
/// value is copied at the moment of the put: nobody sees what either side writes later. What is
/// moved into put(), as an NdView (onecopy/nd_view.hpp) or something that has one in it, need not
/// be copied: its memory goes to the receiver; where the call fails it is as it was. A process that
/// dies at any moment leaves its message whole in the queue or not in it at all, and nobody waits
/// for the dead. The queue lives until the last process that knows it has ended.
///
/// put() and get() wait as long as it takes and throw onecopy::Exception; the others answer with a
/// Result, as do these where they are given a token (onecopy/stop.hpp). Error::full and
/// Error::empty: not now. Error::timed_out: not in time. Error::stopped: a stop was asked for
/// first. Error::no_memory names the limit in the way. Error::invalid: T cannot be sent so, or what
/// was taken is no T (it is then gone from the queue). Which types T may be: onecopy/codec.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <onecopy/codec.hpp>
#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/stop.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

template <class T>
struct Named;

// The part of a queue that does not depend on the type of its values.
class QueueHandle {
 public:
  static Result<QueueHandle> create(std::size_t maximum);
  QueueHandle(QueueHandle&&) noexcept;
  QueueHandle& operator=(QueueHandle&&) noexcept;
  ~QueueHandle();

  // `wait` nanoseconds, kForever included; with 0, full and empty instead of timed_out.
  Result<void> put(const ValueWrite& value, std::int64_t wait);
  Result<void> get(const ValueRead& value, std::int64_t wait);
  // Until a stop is asked for.
  Result<void> put(const ValueWrite& value, Stop stop);
  Result<void> get(const ValueRead& value, Stop stop);
  std::size_t size() const noexcept;
  std::size_t maximum() const noexcept;

  // See onecopy/names.hpp.
  Result<void> publish(std::string_view name) const;
  static Result<QueueHandle> find(std::string_view name, std::int64_t wait);

 private:
  struct State;
  explicit QueueHandle(UniquePointer<State> state) noexcept;
  UniquePointer<State> state_;
};

}  // namespace detail

/// Values in order, from any process to any other. The head of queue.hpp says who may call what,
/// and what a death leaves. A small value costs some 60 ns to put and to get, a large one a copy
/// besides, and neither enters the kernel but to sleep and to wake.
template <class T>
class Queue {
 public:
  /// At most `maximum` values wait in it; with 0, as many as there is memory for. Throws Exception.
  explicit Queue(std::size_t maximum = 0) : Queue(create(maximum).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Queue> create(std::size_t maximum = 0) {
    Result<detail::QueueHandle> handle = detail::QueueHandle::create(maximum);
    if (!handle) return std::move(handle).failure();
    return Queue(std::move(handle).value());
  }
  /// The other is no queue any more: it can be destroyed or assigned to, and nothing else.
  Queue(Queue&&) noexcept = default;
  /// Lets go of the queue that it was; then as the constructor.
  Queue& operator=(Queue&&) noexcept = default;

  /// Copies the value into a message, and waits while the queue is full. Throws Exception.
  void put(const T& value) {
    handle_.put(detail::write_of(value), detail::kForever).value_or_throw();
  }
  /// The same, with what the value has of memory that can be handed over; it is unchanged where it
  /// fails.
  void put(T&& value)
    requires detail::Giving<T>
  {
    handle_.put(detail::give_of(value), detail::kForever).value_or_throw();
  }
  /// Waits for the next value, and takes it. Throws Exception.
  T get() {
    T value{};
    handle_.get(detail::read_of(value), detail::kForever).value_or_throw();
    return value;
  }

  /// As put(), with failures as values and without waiting (Error::full).
  Result<void> try_put(const T& value) { return handle_.put(detail::write_of(value), 0); }
  /// The same for a value that is moved.
  Result<void> try_put(T&& value)
    requires detail::Giving<T>
  {
    return handle_.put(detail::give_of(value), 0);
  }
  /// As get(), with failures as values and without waiting (Error::empty).
  Result<T> try_get() { return take(std::int64_t{0}); }

  /// As put(), with failures as values, and for that time at most (Error::timed_out).
  template <detail::Duration Time>
  Result<void> put_for(const T& value, Time time) {
    return detail::timed(handle_.put(detail::write_of(value), detail::nanoseconds(time)));
  }
  /// The same for a value that is moved.
  template <detail::Duration Time>
    requires detail::Giving<T>
  Result<void> put_for(T&& value, Time time) {
    return detail::timed(handle_.put(detail::give_of(value), detail::nanoseconds(time)));
  }
  /// As get(), with failures as values, and for that time at most (Error::timed_out).
  template <detail::Duration Time>
  Result<T> get_for(Time time) {
    return detail::timed(take(detail::nanoseconds(time)));
  }

  /// As put(), with failures as values, and until a stop is asked for (Error::stopped).
  template <detail::StopToken Token>
  Result<void> put(const T& value, const Token& stop) {
    return handle_.put(detail::write_of(value), detail::Stop(stop));
  }
  /// The same for a value that is moved.
  template <detail::StopToken Token>
    requires detail::Giving<T>
  Result<void> put(T&& value, const Token& stop) {
    return handle_.put(detail::give_of(value), detail::Stop(stop));
  }
  /// As get(), with failures as values, and until a stop is asked for (Error::stopped).
  template <detail::StopToken Token>
  Result<T> get(const Token& stop) {
    return take(detail::Stop(stop));
  }

  /// How many values wait; already old when another process uses the queue too.
  std::size_t size() const noexcept { return handle_.size(); }
  /// Whether no value waits; as old as size() is.
  bool empty() const noexcept { return size() == 0; }
  /// How many values may wait; 0: as many as there is memory for.
  std::size_t maximum() const noexcept { return handle_.maximum(); }

 private:
  friend detail::Named<Queue<T>>;
  explicit Queue(detail::QueueHandle&& handle) noexcept : handle_(std::move(handle)) {}

  // For so many nanoseconds, or until a detail::Stop.
  template <class Patience>
  Result<T> take(Patience patience) {
    T value{};
    Result<void> taken = handle_.get(detail::read_of(value), patience);
    if (!taken) return std::move(taken).failure();
    return value;
  }

  detail::QueueHandle handle_;
};

}  // namespace onecopy
