// A queue of values: put in by any process of the family, taken out by any other, in order.
//
// Make the queue before starting the processes that share it and let them refer to it:
//
//   onecopy::Queue<std::vector<double>> answers;
//   auto worker = onecopy::Process::start([&] { answers.put(compute()); }).value_or_throw();
//   std::vector<double> answer = answers.get();
//
// Any thread of any process may call anything but the moves and the destructor at the same time. A
// value is copied at the moment of the put: nobody sees what either side writes later. What is
// moved into put(), as an NdView (onecopy/nd_view.hpp) or something that has one in it, need not be
// copied: its memory goes to the receiver; where the call fails it is as it was. A process
// that dies at any moment leaves its message whole in the queue or not in it at all, and nobody
// waits for the dead. The queue lives until the last process that knows it has ended.
//
// put() and get() wait as long as it takes and throw onecopy::Exception; the others answer with a
// Result. Error::full and Error::empty: not now. Error::timed_out: not in time. Error::no_memory
// names the limit in the way. Error::invalid: T cannot be sent so, or what was taken is no T (it is
// then gone from the queue). Which types T may be: onecopy/codec.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <onecopy/codec.hpp>
#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>

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
  Result<void> put(ValueWrite value, std::int64_t wait);
  Result<void> get(ValueRead value, std::int64_t wait);
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

template <class T>
class Queue {
 public:
  // `maximum`: how many values wait at most, 0: bounded by memory only. Throws Exception.
  explicit Queue(std::size_t maximum = 0) : Queue(create(maximum).value_or_throw()) {}
  static Result<Queue> create(std::size_t maximum = 0) {
    Result<detail::QueueHandle> handle = detail::QueueHandle::create(maximum);
    if (!handle) return std::move(handle).failure();
    return Queue(std::move(handle).value());
  }
  Queue(Queue&&) noexcept = default;
  Queue& operator=(Queue&&) noexcept = default;

  void put(const T& value) {
    handle_.put(detail::write_of(value), detail::kForever).value_or_throw();
  }
  void put(T&& value)
    requires detail::Giving<T>
  {
    handle_.put(detail::give_of(value), detail::kForever).value_or_throw();
  }
  T get() {
    T value{};
    handle_.get(detail::read_of(value), detail::kForever).value_or_throw();
    return value;
  }

  Result<void> try_put(const T& value) { return handle_.put(detail::write_of(value), 0); }
  Result<void> try_put(T&& value)
    requires detail::Giving<T>
  {
    return handle_.put(detail::give_of(value), 0);
  }
  Result<T> try_get() { return take(0); }

  template <detail::Duration Time>
  Result<void> put_for(const T& value, Time time) {
    return detail::timed(handle_.put(detail::write_of(value), detail::nanoseconds(time)));
  }
  template <detail::Duration Time>
    requires detail::Giving<T>
  Result<void> put_for(T&& value, Time time) {
    return detail::timed(handle_.put(detail::give_of(value), detail::nanoseconds(time)));
  }
  template <detail::Duration Time>
  Result<T> get_for(Time time) {
    return detail::timed(take(detail::nanoseconds(time)));
  }

  // How many values wait; already old when another process uses the queue too.
  std::size_t size() const noexcept { return handle_.size(); }
  bool empty() const noexcept { return size() == 0; }
  std::size_t maximum() const noexcept { return handle_.maximum(); }

 private:
  friend detail::Named<Queue<T>>;
  explicit Queue(detail::QueueHandle&& handle) noexcept : handle_(std::move(handle)) {}

  Result<T> take(std::int64_t wait) {
    T value{};
    Result<void> taken = handle_.get(detail::read_of(value), wait);
    if (!taken) return std::move(taken).failure();
    return value;
  }

  detail::QueueHandle handle_;
};

}  // namespace onecopy
