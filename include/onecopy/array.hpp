/// \file
/// Arrays that every process of the family sees: what one writes, the others read.
///
///     onecopy::Array<double> results(1000);        // zeros; make it before the processes
///     auto worker = onecopy::Process::start([&] { results.set(7, compute()); });
///     ...
///     std::scoped_lock guard(results.lock());      // keeps every other thread's get and set out
///     for (double& result : results.span()) result *= 2;
///
/// Any thread of any process that has one may call anything but the moves and the destructor at the
/// same time. get() and set() of an element of up to 8 bytes take no lock unless somebody holds
/// lock(); all others take it. span() is the memory itself, which nothing guards but lock(), where
/// everybody takes it. A process that dies in get() or set() blocks nobody; one that dies holding
/// lock() releases it (onecopy/lock.hpp). The array lives until the last process that knows it has
/// ended.
///
/// Making one throws onecopy::Exception, or answers with a Result, where it would not fit
/// (Error::no_memory); get() and set() throw it for an index that is not below size()
/// (Error::invalid).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <onecopy/error.hpp>
#include <onecopy/lock.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

template <class T>
struct Named;

// Shared memory behind a lock, whatever lies in it.
class SharedElements {
 public:
  static Result<SharedElements> create(std::size_t count, std::size_t element_bytes);
  SharedElements(SharedElements&&) noexcept;
  SharedElements& operator=(SharedElements&&) noexcept;
  ~SharedElements();

  void read(std::size_t index, void* element) const;
  void write(std::size_t index, const void* element);
  std::size_t size() const noexcept;
  void* data() const noexcept;
  RLock& lock() const noexcept;

  // See onecopy/names.hpp.
  Result<void> publish(std::string_view name, std::uint64_t type_hash) const;
  static Result<SharedElements> find(std::string_view name, std::size_t element_bytes,
                                     std::uint64_t type_hash, std::int64_t wait);

 private:
  struct State;
  explicit SharedElements(UniquePointer<State> state) noexcept;
  UniquePointer<State> state_;
};

}  // namespace detail

/// So many Ts, which are copied as bytes, in memory that is the same for every process; behind a
/// lock. The head of array.hpp says who may call what, and what a death leaves.
template <class T>
  requires std::is_trivially_copyable_v<T>
class Array {
 public:
  /// So many elements of zero bytes, for which memory that was in use is cleared. Throws Exception.
  explicit Array(std::size_t size) : Array(create(size).value_or_throw()) {}
  /// Copies the values. Throws Exception.
  explicit Array(std::span<const T> values) : Array(values.size()) {
    if (!values.empty()) std::memcpy(elements_.data(), values.data(), values.size_bytes());
  }
  /// As the constructor, with the failure as a value.
  static Result<Array> create(std::size_t size) {
    auto elements = detail::SharedElements::create(size, sizeof(T));
    if (!elements) return std::move(elements).failure();
    return Array(std::move(*elements));
  }
  /// The other has no elements any more: it can be destroyed or assigned to, and nothing else.
  Array(Array&&) noexcept = default;
  /// Lets go of its elements first; then as the constructor.
  Array& operator=(Array&&) noexcept = default;

  /// How many elements.
  std::size_t size() const noexcept { return elements_.size(); }
  /// A copy of the element; throws Exception (Error::invalid) for an index that is not below
  /// size(). Up to 8 bytes: two atomic operations on memory of the calling thread alone, and
  /// waiting while another thread holds lock(); more: takes the lock.
  T get(std::size_t index) const {
    T value;
    elements_.read(index, &value);
    return value;
  }
  /// Copies the value into the element; else as get().
  void set(std::size_t index, const T& value) { elements_.write(index, &value); }

  /// What keeps every other thread's get() and set() out while it is held. Taking it costs a look
  /// at each thread that has ever touched an element.
  RLock& lock() const noexcept { return elements_.lock(); }
  /// The elements themselves; nothing guards them but lock().
  std::span<T> span() noexcept { return {static_cast<T*>(elements_.data()), size()}; }
  /// The same, to be read only.
  std::span<const T> span() const noexcept { return {static_cast<T*>(elements_.data()), size()}; }

 private:
  friend detail::Named<Array<T>>;
  explicit Array(detail::SharedElements&& elements) noexcept : elements_(std::move(elements)) {}

  detail::SharedElements elements_;
};

}  // namespace onecopy
