/// \file
/// The task of a pool: a function, its arguments, and how both reach a worker that runs already.
///
/// A worker was forked before the function was written down, so it has the same code at the same
/// addresses, and nothing else that is newer than itself. A callable is therefore sent as the
/// address of its code and, where it has captured something, as the bytes of that:
///
///     functions, captureless lambdas, function objects without members  may be sent,
///     with captures or members that are plain values (numbers, structs  may be sent: each task has
///     of them)                                                          a copy,
///     with pointers, references, `this`, unions, or objects that are    do not compile.
///     not copied as bytes (std::string, std::vector, std::function) or
///     have no constexpr constructor
///
/// What a task needs besides goes into its arguments; for what was made before the pool and is to
/// be used as it is, a queue, a lock, a shared array or a large input, there is inherited().
///
/// Arguments and results travel as the values of queues do (onecopy/codec.hpp). A std::span arrives
/// as a std::vector, text of any kind as a std::string. Where the function takes `std::span<const
/// T>`, it looks at the message itself, and nothing is copied on arrival. An NdView that is moved
/// into submit(), or returned, is not copied at all (onecopy/nd_view.hpp).
///
/// Any thread of any process may use what is here; nothing is shared.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <onecopy/codec.hpp>
#include <onecopy/encoding.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// Refers, in a captured value, to an object that was made before the pool and lives as long as it:
///
///     onecopy::Array<double> results(1000);
///     onecopy::Pool pool;
///     auto r = onecopy::inherited(results);
///     pool.map([r](std::size_t i) { r->set(i, compute(i)); }, indices);
///
/// A worker sees it as it was when the worker was forked: what is shared by its own nature is the
/// same for all, and anything else a copy, whose pages nobody copies that nobody writes to.
template <class T>
struct Inherited {
  /// The object, in this process.
  T& operator*() const noexcept { return *reinterpret_cast<T*>(address); }
  /// The object, in this process.
  T* operator->() const noexcept { return reinterpret_cast<T*>(address); }

  std::uintptr_t address;  ///< where it lies, as a number: in a worker it means what it means here
};

/// Refers to `object`; copies nothing.
template <class T>
Inherited<T> inherited(T& object) noexcept {
  return {reinterpret_cast<std::uintptr_t>(detail::address_of(object))};
}

namespace detail {

// -- the worker's side ----------------------------------------------------------------------------

// A task at work, for the code that knows its types.
class Call {
 public:
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // The bytes of the callable.
  virtual std::span<const std::byte> captured() const noexcept = 0;
  // Both throw Exception. What was read may look into the message until the invoker returns.
  virtual void read(ValueRead arguments) = 0;
  virtual void answer(ValueWrite result) = 0;

 protected:
  Call() = default;
  ~Call() = default;
};

using Invoker = void (*)(Call& call);

// A callable as it is sent.
struct Callable {
  Invoker invoker;
  const void* function;  // what else must lie in code that a worker has; null: nothing
  std::span<const std::byte> captured;
};

// -- how arguments and results travel -------------------------------------------------------------

// What arrives where a T was sent.
template <class T>
struct Carried {
  using Type = T;
  static void write(Encoder& to, const T& value) { Codec<T>::write(to, value); }
};
template <class T, std::size_t N>
struct Carried<std::span<T, N>> {
  using Type = std::vector<std::remove_cv_t<T>>;
  static void write(Encoder& to, std::span<T, N> values) {
    Codec<std::span<T, N>>::write(to, values);
  }
};
struct CarriedText {
  using Type = std::string;
  static void write(Encoder& to, std::string_view text) { to.string(text); }
};
template <>
struct Carried<std::string_view> : CarriedText {};
template <>
struct Carried<const char*> : CarriedText {};
template <>
struct Carried<char*> : CarriedText {};

template <class T>
using CarriedType = typename Carried<std::decay_t<T>>::Type;

// What a parameter std::span<const T> looks at: the message, or a copy where that does not lie
// right for a T.
template <class T>
struct Viewed {
  std::span<const T> view;
  std::vector<T> copy;
};

template <class T>
concept Viewable = Element<T> || PlainRecord<T> || std::is_same_v<T, std::byte>;

// The parameters of a callable that has one signature.
template <class F>
struct Parameters {
  static constexpr std::size_t kCount = 0;  // not known
};
template <class... P>
struct ParameterList {
  static constexpr std::size_t kCount = sizeof...(P);
  template <std::size_t I>
  using At = std::tuple_element_t<I, std::tuple<P...>>;
};
template <class R, class... P>
struct Parameters<R (*)(P...)> : ParameterList<P...> {};
template <class R, class... P>
struct Parameters<R (*)(P...) noexcept> : ParameterList<P...> {};
template <class R, class F, class... P>
struct Parameters<R (F::*)(P...)> : ParameterList<P...> {};
template <class R, class F, class... P>
struct Parameters<R (F::*)(P...) noexcept> : ParameterList<P...> {};
template <class R, class F, class... P>
struct Parameters<R (F::*)(P...) const> : ParameterList<P...> {};
template <class R, class F, class... P>
struct Parameters<R (F::*)(P...) const noexcept> : ParameterList<P...> {};
template <class F>
  requires requires { &F::operator(); }
struct Parameters<F> : Parameters<decltype(&F::operator())> {};

template <class P, class Carried>
struct ReceivedAs {
  using Type = Carried;
};
template <Viewable T>
struct ReceivedAs<std::span<const T>, std::vector<T>> {
  using Type = Viewed<T>;
};

// Argument number I of F, as the worker has it.
template <class F, std::size_t I, class A>
struct Received {
  using Type = CarriedType<A>;
};
template <class F, std::size_t I, class A>
  requires(I < Parameters<F>::kCount)
struct Received<F, I, A>
    : ReceivedAs<std::remove_cvref_t<typename Parameters<F>::template At<I>>, CarriedType<A>> {};

// How it is passed: moved, or, to a callable that cannot take that, by its name.
template <class T>
T&& moved(T& received) noexcept {
  return static_cast<T&&>(received);
}
template <class T>
std::span<const T> moved(Viewed<T>& received) noexcept {
  return received.view;
}
template <class T>
T& named(T& received) noexcept {
  return received;
}
template <class T>
std::span<const T> named(Viewed<T>& received) noexcept {
  return received.view;
}

// Calls `callable` with the arguments that arrived.
template <class F, class... R>
concept TakesMoved = std::is_invocable_v<F&, decltype(moved(std::declval<R&>()))...>;
template <class F, class... R>
concept TakesNamed = std::is_invocable_v<F&, decltype(named(std::declval<R&>()))...>;

template <class F, class... R>
concept CanCall = TakesMoved<F, R...> || TakesNamed<F, R...>;
template <class F, class... R>
  requires CanCall<F, R...>
decltype(auto) call_with(F& callable, R&... received) {
  if constexpr (TakesMoved<F, R...>) {
    return callable(moved(received)...);
  } else {
    return callable(named(received)...);
  }
}

// -- what may be sent -----------------------------------------------------------------------------

template <class F>
inline constexpr bool kIsFunction =
    std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;

// Bytes make a value of F in a constant expression only where no part of F is a pointer, a
// reference or a union.
template <class F>
concept PlainValue = requires {
  typename std::bool_constant<(
      static_cast<void>(__builtin_bit_cast(F, std::array<unsigned char, sizeof(F)>{})), true)>;
};
template <class F>
concept Sendable =
    std::is_trivially_copyable_v<F> && (std::is_empty_v<F> || kIsFunction<F> || PlainValue<F>);

// What a call answers; void too where there is none, so that one message says why.
template <class F, class... R>
struct ReturnedBy {
  using Type = void;
};
template <class F, class... R>
  requires(Sendable<F> && CanCall<F, R...>)
struct ReturnedBy<F, R...> {
  using Type = std::decay_t<decltype(call_with(std::declval<F&>(), std::declval<R&>()...))>;
};

// Everything that is known of a task when it is compiled.
template <class F, class Indices, class... A>
struct TaskTypes;
template <class F, std::size_t... I, class... A>
struct TaskTypes<F, std::index_sequence<I...>, A...> {
  static_assert(Sendable<F>,
                "a worker of a pool cannot be sent this callable: it holds a pointer, a reference, "
                "`this`, a union, or an object that is not copied as bytes or has no constexpr "
                "constructor. Give what it needs as arguments, or capture "
                "onecopy::inherited(object) for what was made before the pool: see "
                "onecopy/task.hpp");

  using Arguments = std::tuple<typename Received<F, I, A>::Type...>;
  static_assert(CanCall<F, typename Received<F, I, A>::Type...>,
                "this callable cannot be called with what arrives in a worker: values of these "
                "arguments, a std::vector for a std::span, a std::string for text");
  using Returned = typename ReturnedBy<F, typename Received<F, I, A>::Type...>::Type;

  // In the worker.
  static void invoke(Call& call) {
    std::array<unsigned char, sizeof(F)> bytes{};
    const std::span<const std::byte> captured = call.captured();
    if (captured.size() == sizeof(F)) std::memcpy(bytes.data(), captured.data(), sizeof(F));
    F callable = __builtin_bit_cast(F, bytes);
    Arguments arguments;
    call.read(read_of(arguments));
    std::apply(
        [&](auto&... received) {
          if constexpr (std::is_void_v<Returned>) {
            call_with(callable, received...);
            call.answer(write_of(std::monostate()));
          } else {
            auto&& returned = call_with(callable, received...);
            constexpr bool kOwned =
                !std::is_reference_v<decltype(call_with(callable, received...))>;
            if constexpr (kOwned && requires { give_of(returned); }) {
              return call.answer(give_of(returned));
            }
            call.answer(
                {static_cast<const void*>(address_of(returned)), [](Encoder& to, const void* from) {
                   Carried<Returned>::write(to, *static_cast<const Returned*>(from));
                 }});
          }
        },
        arguments);
  }

  // In the parent; looks at `callable`.
  static Callable send(const F& callable) noexcept {
    Callable sent{&invoke, nullptr, {}};
    if constexpr (!std::is_empty_v<F>) {
      sent.captured = std::as_bytes(std::span<const F, 1>(address_of(callable), 1));
    }
    if constexpr (kIsFunction<F>) sent.function = reinterpret_cast<const void*>(callable);
    return sent;
  }
};

template <class F, class... A>
using TaskOf = TaskTypes<std::decay_t<F>, std::index_sequence_for<A...>, A...>;

// What the result is as a value of the parent's.
template <class Returned>
struct ResultOf {
  using Type = typename Carried<Returned>::Type;
};
template <>
struct ResultOf<void> {
  using Type = void;
};
template <class F, class... A>
using TaskResult = typename ResultOf<typename TaskOf<F, A...>::Returned>::Type;

// The arguments as one value, which looks at them. Of those that were moved (A is no reference)
// the memory is given where it can be.
template <class... A>
class ArgumentsWrite {
 public:
  explicit ArgumentsWrite(A&&... arguments) noexcept : arguments_(std::forward<A>(arguments)...) {}
  ValueWrite write() const noexcept {
    return {&arguments_, [](Encoder& to, const void* from) {
              to.open_tuple(sizeof...(A));
              std::apply([&](A&... argument) { (write_one<A>(to, argument), ...); },
                         *static_cast<const std::tuple<A&&...>*>(from));
              to.close();
            }};
  }

 private:
  template <class Argument>
  static void write_one(Encoder& to, Argument& argument) {
    if constexpr (Giving<Argument>) {
      Codec<Argument>::give(to, argument);
    } else {
      Carried<std::decay_t<Argument>>::write(to, argument);
    }
  }

  std::tuple<A&&...> arguments_;
};

}  // namespace detail

template <class T>
struct Codec<detail::Viewed<T>> {
  static void read(Decoder& from, detail::Viewed<T>& viewed) {
    if constexpr (std::is_same_v<T, std::byte>) {
      viewed.view = from.bytes();
    } else if constexpr (detail::Element<T>) {
      Decoder::Elements elements;
      if (from.array(detail::element_type<T>(), elements)) {
        look_at(elements, viewed);
      } else {
        Codec<std::vector<T>>::read(from, viewed.copy);
        viewed.view = viewed.copy;
      }
    } else {
      look_at(from.record(detail::type_hash<T>(), sizeof(T)), viewed);
    }
  }

 private:
  static void look_at(const Decoder::Elements& elements, detail::Viewed<T>& viewed) {
    if (reinterpret_cast<std::uintptr_t>(elements.data) % alignof(T) == 0) {
      viewed.view = {static_cast<const T*>(elements.data), elements.count};
    } else {
      detail::assign(viewed.copy, elements);
      viewed.view = viewed.copy;
    }
  }
};

}  // namespace onecopy
