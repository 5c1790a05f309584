/// \file
/// A value that every process of the family sees: what one writes, the others read.
///
///     onecopy::Value<long> done;                   // zero; make it before the processes
///     auto worker = onecopy::Process::start([&] {
///       done.update([](long before) { return before + 1; });
///     });
///     ...
///     long so_far = done.get();
///
/// Any thread of any process that has one may call anything but the moves and the destructor at the
/// same time. get() and set() of up to 8 bytes take no lock unless somebody holds lock(); all
/// others take it, and update() always does. A process that dies in get() or set() blocks nobody,
/// and leaves the old or the new value where that has 1, 2, 4 or 8 bytes; of any other size it may
/// be half new. One that dies in update(), or holding lock(), releases the lock (onecopy/lock.hpp);
/// a `change` that was not done has changed nothing. The value lives until the last process that
/// knows it has ended.
///
/// Making one throws onecopy::Exception, or answers with a Result, where it would not fit
/// (Error::no_memory).
#pragma once

#include <type_traits>
#include <utility>

#include <onecopy/array.hpp>
#include <onecopy/error.hpp>
#include <onecopy/lock.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// One T, which is copied as bytes, in memory that is the same for every process; behind a lock.
/// The head of value.hpp says who may call what, and what a death leaves.
template <class T>
  requires std::is_trivially_copyable_v<T>
class Value {
 public:
  /// With that value to begin with. Throws Exception.
  explicit Value(const T& value = T{}) : Value(create(value).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Value> create(const T& value = T{}) {
    auto element = Array<T>::create(1);
    if (!element) return std::move(element).failure();
    element->set(0, value);
    return Value(std::move(*element));
  }
  /// The other has no value any more: it can be destroyed or assigned to, and nothing else.
  Value(Value&&) noexcept = default;
  /// Lets go of its value first; then as the constructor.
  Value& operator=(Value&&) noexcept = default;

  /// A copy of the value. Costs as Array::get() does.
  T get() const { return element_.get(0); }
  /// Copies `value` into it. Costs as Array::set() does.
  void set(const T& value) { element_.set(0, value); }
  /// The value becomes what `change` makes of it, while everybody else is kept out. An exception of
  /// `change` is the caller's, and the value is as before.
  template <class Change>
    requires std::is_invocable_r_v<T, Change, T>
  T update(Change&& change) {
    const detail::Locked locked(lock());
    const T value = std::forward<Change>(change)(get());
    set(value);
    return value;
  }
  /// What keeps every other thread's get(), set() and update() out while it is held.
  RLock& lock() const noexcept { return element_.lock(); }

 private:
  explicit Value(Array<T>&& element) noexcept : element_(std::move(element)) {}

  Array<T> element_;
};

}  // namespace onecopy
