// What can go wrong, as values: one small enum, what is known about one failure, and a result
// that is either a value or a failure.
//
// Who may call: anybody, from any thread and any process; nothing here is shared. A failure is
// kept in ordinary memory of the process that met it, so a death leaves nothing behind.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace [[gnu::visibility("default")]] onecopy {

enum class Error : std::uint8_t {
  none,              // Nothing went wrong.
  timed_out,         // The time given ran out first.
  interrupted,       // A signal arrived first; nothing was done, so the call can be repeated.
  full,              // There is no room now; there may be later.
  empty,             // There is nothing to take now; there may be later.
  closed,            // This side was closed, or what it stood for is gone.
  end_of_stream,     // The other side closed, and everything it sent has been taken.
  broken_pipe,       // The other side closed, and nobody is left to take what is sent.
  broken_barrier,    // A party gave up, failed or died, and nobody has reset the barrier since.
  task_failed,       // The function of a task threw an exception.
  worker_died,       // The process that did the task ended before it was done.
  no_memory,         // It would not fit into the memory that may be used.
  too_many,          // A limit on how many there may be was reached.
  invalid,           // The caller asked for something that can never be done.
  corrupt,           // Bytes that were read are not what any sender writes.
  version_mismatch,  // The two sides were built from versions that do not understand each other.
  permission,        // The system does not allow it.
  system,            // The system refused for a reason of its own, which its error number tells.
};

// The sentence that belongs to `code`, in static memory.
const char* describe(Error code) noexcept;

// What went wrong and what to do about it. `system_errno` is 0 where no system call failed.
struct Failure {
  Error code = Error::none;
  int system_errno = 0;
  std::string message{};

  // The message; where there is none, the sentence of the code and the system's reason.
  std::string text() const;
};

// What the throwing forms of the public API throw. Copying it does not throw.
class Exception : public std::runtime_error {
 public:
  explicit Exception(Failure failure);
  ~Exception() override;
  Exception(const Exception&) noexcept = default;
  Exception& operator=(const Exception&) noexcept = default;

  const Failure& failure() const noexcept { return *failure_; }
  Error error() const noexcept { return failure_->code; }

 private:
  std::shared_ptr<const Failure> failure_;
};

namespace detail {
// Aborts: somebody took the value of a failure, or the failure of a value.
[[noreturn]] void result_misused(const char* what) noexcept;
[[noreturn]] void throw_failure(Failure failure);
}  // namespace detail

// A value or a failure. Made from either by plain `return`; asked by `if (result)`.
template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<T, Error> &&
                !std::is_same_v<T, Failure>);

 public:
  using value_type = T;

  template <class U = T>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Failure>)
  Result(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Error code) noexcept : Result(Failure{code}) {}
  Result(Failure failure) noexcept : state_(std::in_place_index<1>, std::move(failure)) {
    if (std::get_if<1>(&state_)->code == Error::none) {
      detail::result_misused("a failure needs a code other than none");
    }
  }

  explicit operator bool() const noexcept { return state_.index() == 0; }
  bool has_value() const noexcept { return state_.index() == 0; }

  T& value() & noexcept { return *checked(std::get_if<0>(&state_)); }
  const T& value() const& noexcept { return *checked(std::get_if<0>(&state_)); }
  T&& value() && noexcept { return std::move(*checked(std::get_if<0>(&state_))); }
  T& operator*() & noexcept { return value(); }
  const T& operator*() const& noexcept { return value(); }
  T&& operator*() && noexcept { return std::move(*this).value(); }
  T* operator->() noexcept { return checked(std::get_if<0>(&state_)); }
  const T* operator->() const noexcept { return checked(std::get_if<0>(&state_)); }

  Error error() const noexcept {
    const Failure* failure = std::get_if<1>(&state_);
    return failure == nullptr ? Error::none : failure->code;
  }
  const Failure& failure() const& noexcept { return *checked(std::get_if<1>(&state_)); }
  Failure failure() && noexcept { return std::move(*checked(std::get_if<1>(&state_))); }

  // The value, or an Exception that carries the failure.
  T& value_or_throw() & {
    if (!has_value()) detail::throw_failure(failure());
    return value();
  }
  T value_or_throw() && {
    if (!has_value()) detail::throw_failure(std::move(*this).failure());
    return std::move(*this).value();
  }

 private:
  template <class P>
  static P* checked(P* pointer) noexcept {
    if (pointer == nullptr) detail::result_misused("a result holds the other of value and failure");
    return pointer;
  }

  std::variant<T, Failure> state_;
};

// Done, or a failure. Error::none means done.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() noexcept = default;
  Result(Error code) noexcept : failure_{code} {}
  Result(Failure failure) noexcept : failure_(std::move(failure)) {}

  explicit operator bool() const noexcept { return failure_.code == Error::none; }
  bool has_value() const noexcept { return failure_.code == Error::none; }
  void value() const noexcept {
    if (!has_value()) detail::result_misused("a result holds the other of value and failure");
  }

  Error error() const noexcept { return failure_.code; }
  const Failure& failure() const& noexcept {
    if (has_value()) detail::result_misused("a result holds the other of value and failure");
    return failure_;
  }
  Failure failure() && noexcept {
    if (has_value()) detail::result_misused("a result holds the other of value and failure");
    return std::move(failure_);
  }

  void value_or_throw() const {
    if (!has_value()) detail::throw_failure(failure_);
  }

 private:
  Failure failure_;
};

}  // namespace onecopy
