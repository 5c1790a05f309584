/// \file
/// What can go wrong, as values: one small enum, what is known about one failure, and a result
/// that is either a value or a failure.
///
/// Who may call: anybody, from any thread and any process; nothing here is shared. A failure is
/// kept in ordinary memory of the process that met it, so a death leaves nothing behind.
#pragma once

#if __cplusplus < 202002L
#error "Onecopy needs C++20: compile with -std=c++20 or newer"
#endif

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// What can go wrong, in one word each.
enum class Error : std::uint8_t {
  none,              ///< Nothing went wrong.
  timed_out,         ///< The time given ran out first.
  stopped,           ///< A stop was asked for first; nothing was done.
  interrupted,       ///< A signal arrived first; nothing was done, so the call can be repeated.
  full,              ///< There is no room now; there may be later.
  empty,             ///< There is nothing to take now; there may be later.
  closed,            ///< This side was closed, or what it stood for is gone.
  end_of_stream,     ///< The other side closed, and everything it sent has been taken.
  broken_pipe,       ///< The other side closed, and nobody is left to take what is sent.
  broken_barrier,    ///< A party gave up, failed or died, and nobody has reset the barrier since.
  task_failed,       ///< The function of a task threw an exception.
  worker_died,       ///< The process that did the task ended before it was done.
  no_memory,         ///< It would not fit into the memory that may be used.
  not_found,         ///< Nothing is published under that name.
  too_many,          ///< A limit on how many there may be was reached.
  invalid,           ///< The caller asked for something that can never be done.
  corrupt,           ///< Bytes that were read are not what any sender writes.
  version_mismatch,  ///< The two sides were built from versions that do not understand each other.
  permission,        ///< The system does not allow it.
  system,            ///< The system refused for a reason of its own, which its error number tells.
};

/// The sentence that belongs to `code`, in static memory.
const char* describe(Error code) noexcept;

/// What went wrong and what to do about it. Making one with a message allocates.
struct Failure {
  Error code = Error::none;  ///< what it was
  int system_errno = 0;      ///< the system's number; 0 where no system call failed
  std::string message{};     ///< what is known of this one; may be empty

  /// The message; where there is none, the sentence of the code and the system's reason.
  std::string text() const;
};

/// What the throwing forms of the public API throw. Copying it does not throw.
class Exception : public std::runtime_error {
 public:
  /// Of that failure, whose text() is what() then.
  explicit Exception(Failure failure);
  /// Any thread may drop it.
  ~Exception() override;
  /// Shares the failure: costs as much as a count.
  Exception(const Exception&) noexcept = default;
  /// Shares the failure: costs as much as a count.
  Exception& operator=(const Exception&) noexcept = default;

  /// What went wrong, as long as the exception lives.
  const Failure& failure() const noexcept { return *failure_; }
  /// Its code.
  Error error() const noexcept { return failure_->code; }

 private:
  detail::SharedPointer<const Failure> failure_;
};

namespace detail {
// Aborts: somebody took the value of a failure, or the failure of a value.
[[noreturn]] void result_misused(const char* what) noexcept;
[[noreturn]] void throw_failure(Failure failure);
}  // namespace detail

/// A value or a failure. Made from either by plain `return`; asked by `if (result)`. It costs what
/// its value does; one thread at a time may use it. To take the one where it holds the other
/// aborts.
template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<T, Error> &&
                !std::is_same_v<T, Failure>);

 public:
  /// What it holds where nothing went wrong.
  using value_type = T;

  /// Of a value.
  template <class U = T>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Failure>)
  Result(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) : has_value_(true) {
    ::new (static_cast<void*>(detail::address_of(content_.value))) T(std::forward<U>(value));
  }
  /// Of a failure that needs no more words.
  Result(Error code) noexcept : Result(Failure{code}) {}
  /// Of a failure. Aborts for Error::none.
  Result(Failure failure) noexcept : has_value_(false) {
    if (failure.code == Error::none) {
      detail::result_misused("a failure needs a code other than none");
    }
    ::new (static_cast<void*>(detail::address_of(content_.failure))) Failure(std::move(failure));
  }

  /// Of a copy of what the other holds.
  Result(const Result& other)
    requires std::is_copy_constructible_v<T>
  {
    fill(other);
  }
  /// Of what the other holds, which holds the same, moved from.
  Result(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    fill(std::move(other));
  }
  /// Takes what the other holds. Where moving the value throws, this is a failure (Error::invalid).
  Result& operator=(Result other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    clear();
    Filling filling{*this};
    fill(std::move(other));
    filling.done = true;
    return *this;
  }
  /// Drops what it holds.
  ~Result() { clear(); }

  /// Whether it holds a value.
  explicit operator bool() const noexcept { return has_value_; }
  /// The same.
  bool has_value() const noexcept { return has_value_; }

  /// The value; aborts where there is none.
  T& value() & noexcept {
    check(has_value_);
    return content_.value;
  }
  /// The value; aborts where there is none.
  const T& value() const& noexcept {
    check(has_value_);
    return content_.value;
  }
  /// The value; aborts where there is none.
  T&& value() && noexcept { return std::move(value()); }
  /// As value().
  T& operator*() & noexcept { return value(); }
  /// As value().
  const T& operator*() const& noexcept { return value(); }
  /// As value().
  T&& operator*() && noexcept { return std::move(value()); }
  /// As value().
  T* operator->() noexcept { return detail::address_of(value()); }
  /// As value().
  const T* operator->() const noexcept { return detail::address_of(value()); }

  /// The code of the failure; Error::none where there is a value.
  Error error() const noexcept { return has_value_ ? Error::none : content_.failure.code; }
  /// The failure; aborts where there is a value.
  const Failure& failure() const& noexcept {
    check(!has_value_);
    return content_.failure;
  }
  /// The failure; aborts where there is a value.
  Failure failure() && noexcept {
    check(!has_value_);
    return std::move(content_.failure);
  }

  /// The value, or an Exception that carries the failure.
  T& value_or_throw() & {
    if (!has_value_) detail::throw_failure(content_.failure);
    return content_.value;
  }
  /// The same, moved out.
  T value_or_throw() && {
    if (!has_value_) detail::throw_failure(std::move(content_.failure));
    return std::move(content_.value);
  }

 private:
  union Content {
    Content() noexcept {}
    ~Content() {}
    T value;
    Failure failure;
  };

  static void check(bool held) noexcept {
    if (!held) detail::result_misused("a result holds the other of value and failure");
  }

  // Of the two, makes what the other has; only where there is neither.
  template <class R>
  void fill(R&& other) {
    has_value_ = other.has_value_;
    if (has_value_) {
      ::new (static_cast<void*>(detail::address_of(content_.value)))
          T(std::forward<R>(other).content_.value);
    } else {
      ::new (static_cast<void*>(detail::address_of(content_.failure)))
          Failure(std::forward<R>(other).content_.failure);
    }
  }
  void clear() noexcept {
    if (has_value_) {
      content_.value.~T();
    } else {
      content_.failure.~Failure();
    }
  }
  // Sees to it that an assignment that throws leaves one of them.
  struct Filling {
    Result& result;
    bool done = false;
    ~Filling() {
      if (done) return;
      ::new (static_cast<void*>(detail::address_of(result.content_.failure)))
          Failure{Error::invalid};
      result.has_value_ = false;
    }
  };

  Content content_;
  bool has_value_;
};

/// Done, or a failure; else as any Result. Error::none means done.
template <>
class [[nodiscard]] Result<void> {
 public:
  /// There is none.
  using value_type = void;

  /// Done.
  Result() noexcept = default;
  /// Done with Error::none, else a failure that needs no more words.
  Result(Error code) noexcept : failure_{code} {}
  /// A failure.
  Result(Failure failure) noexcept : failure_(std::move(failure)) {}

  /// Whether it is done.
  explicit operator bool() const noexcept { return failure_.code == Error::none; }
  /// The same.
  bool has_value() const noexcept { return failure_.code == Error::none; }
  /// Aborts where it is a failure.
  void value() const noexcept {
    if (!has_value()) detail::result_misused("a result holds the other of value and failure");
  }

  /// The code of the failure; Error::none where it is done.
  Error error() const noexcept { return failure_.code; }
  /// The failure; aborts where there is none.
  const Failure& failure() const& noexcept {
    if (has_value()) detail::result_misused("a result holds the other of value and failure");
    return failure_;
  }
  /// The failure; aborts where there is none.
  Failure failure() && noexcept {
    if (has_value()) detail::result_misused("a result holds the other of value and failure");
    return std::move(failure_);
  }

  /// Throws an Exception that carries the failure, if there is one.
  void value_or_throw() const {
    if (!has_value()) detail::throw_failure(failure_);
  }

 private:
  Failure failure_;
};

}  // namespace onecopy
