/// \file
/// A pipe of values with two ends: what one end sends the other receives, in order, both ways.
///
///     auto [here, there] = onecopy::Pipe<int, std::string>();
///     auto child = onecopy::Process::start([&] {
///       here.close();
///       there.send("received " + std::to_string(there.recv()));
///     }).value_or_throw();
///     there.close();
///     here.send(5);
///     std::string answer = here.recv();
///
/// An end is closed when every process that has it has closed it or ended; a forked process has all
/// the ends that its parent had. Then the other end finds Error::end_of_stream once it has received
/// everything, and Error::broken_pipe when it sends. So each side closes the end that it does not
/// use, as above. A sender that dies leaves its message whole or not at all.
///
/// Any thread of any process may send or receive at any time; close(), the moves and the destructor
/// are for one thread at a time. A value is copied at the moment of sending, but for what is moved
/// into send(): see onecopy/queue.hpp. At most kBytesInFlight
/// wait in each direction, or one message of any size; then sending waits.
///
/// A process that inherited no end finds one that was published (onecopy/names.hpp), be it of
/// Python or of C++.
///
/// send(), recv() and poll() throw onecopy::Exception, the others answer with a Result, as these do
/// where they are given a token (onecopy/stop.hpp); see onecopy/queue.hpp for the errors.
/// Error::closed: this end was closed here. Error::invalid: it is one of Python's
/// Pipe(duplex=False), which goes the other way only.
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

/// What may wait to be received in each direction, in bytes.
inline constexpr std::size_t kBytesInFlight = std::size_t{64} << 20;

namespace detail {

template <class T>
struct Named;

// The part of a pipe's end that does not depend on the types of its values.
class PipeHandle {
 public:
  static Result<std::pair<PipeHandle, PipeHandle>> create();
  PipeHandle(PipeHandle&&) noexcept;
  PipeHandle& operator=(PipeHandle&&) noexcept;
  ~PipeHandle();

  // `wait` nanoseconds, kForever included; with 0, full and empty instead of timed_out.
  Result<void> send(const ValueWrite& value, std::int64_t wait);
  Result<void> recv(const ValueRead& value, std::int64_t wait);
  // Whether recv() would answer at once, be it with the end of the stream.
  Result<bool> poll(std::int64_t wait);
  // Until a stop is asked for.
  Result<void> send(const ValueWrite& value, Stop stop);
  Result<void> recv(const ValueRead& value, Stop stop);
  Result<bool> poll(Stop stop);
  // See onecopy/names.hpp.
  Result<void> publish(std::string_view name) const;
  static Result<PipeHandle> find(std::string_view name, std::int64_t wait);
  void close() noexcept;
  bool closed() const noexcept { return state_ == nullptr; }

 private:
  struct State;
  explicit PipeHandle(UniquePointer<State> state) noexcept;
  UniquePointer<State> state_;
};

}  // namespace detail

/// An end that sends values of type Sent and receives values of type Received. The head of pipe.hpp
/// says who may call what, and what a death leaves. A message costs as over a Queue.
template <class Sent, class Received = Sent>
class PipeEnd {
 public:
  /// The other is closed.
  PipeEnd(PipeEnd&&) noexcept = default;
  /// Closes the end that it was; then as the constructor.
  PipeEnd& operator=(PipeEnd&&) noexcept = default;

  /// Copies the value into a message, and waits while there is no room for it. Throws Exception.
  void send(const Sent& value) {
    handle_.send(detail::write_of(value), detail::kForever).value_or_throw();
  }
  /// The same, with what the value has of memory that can be handed over; it is unchanged where it
  /// fails.
  void send(Sent&& value)
    requires detail::Giving<Sent>
  {
    handle_.send(detail::give_of(value), detail::kForever).value_or_throw();
  }
  /// Waits for the next value, and takes it. Throws Exception.
  Received recv() {
    Received value{};
    handle_.recv(detail::read_of(value), detail::kForever).value_or_throw();
    return value;
  }

  /// As send(), with failures as values and without waiting (Error::full).
  Result<void> try_send(const Sent& value) { return handle_.send(detail::write_of(value), 0); }
  /// The same for a value that is moved.
  Result<void> try_send(Sent&& value)
    requires detail::Giving<Sent>
  {
    return handle_.send(detail::give_of(value), 0);
  }
  /// As recv(), with failures as values and without waiting (Error::empty).
  Result<Received> try_recv() { return take(std::int64_t{0}); }

  /// As send(), with failures as values, and for that time at most (Error::timed_out).
  template <detail::Duration Time>
  Result<void> send_for(const Sent& value, Time time) {
    return detail::timed(handle_.send(detail::write_of(value), detail::nanoseconds(time)));
  }
  /// The same for a value that is moved.
  template <detail::Duration Time>
    requires detail::Giving<Sent>
  Result<void> send_for(Sent&& value, Time time) {
    return detail::timed(handle_.send(detail::give_of(value), detail::nanoseconds(time)));
  }
  /// As recv(), with failures as values, and for that time at most (Error::timed_out).
  template <detail::Duration Time>
  Result<Received> recv_for(Time time) {
    return detail::timed(take(detail::nanoseconds(time)));
  }

  /// As send(), with failures as values, and until a stop is asked for (Error::stopped).
  template <detail::StopToken Token>
  Result<void> send(const Sent& value, const Token& stop) {
    return handle_.send(detail::write_of(value), detail::Stop(stop));
  }
  /// The same for a value that is moved.
  template <detail::StopToken Token>
    requires detail::Giving<Sent>
  Result<void> send(Sent&& value, const Token& stop) {
    return handle_.send(detail::give_of(value), detail::Stop(stop));
  }
  /// As recv(), with failures as values, and until a stop is asked for (Error::stopped).
  template <detail::StopToken Token>
  Result<Received> recv(const Token& stop) {
    return take(detail::Stop(stop));
  }

  /// Whether there is something to receive now, the end of the stream included. Throws Exception.
  bool poll() { return handle_.poll(std::int64_t{0}).value_or_throw(); }
  /// The same within that time.
  template <detail::Duration Time>
  bool poll(Time time) {
    return handle_.poll(detail::nanoseconds(time)).value_or_throw();
  }
  /// The same before a stop is asked for.
  template <detail::StopToken Token>
  bool poll(const Token& stop) {
    return handle_.poll(detail::Stop(stop)).value_or_throw();
  }

  /// This process has the end no more; a system call. What was sent is received nevertheless.
  void close() noexcept { handle_.close(); }
  /// Whether it was closed here, or moved from.
  bool closed() const noexcept { return handle_.closed(); }

 private:
  template <class A, class B>
  friend struct Pipe;
  friend detail::Named<PipeEnd<Sent, Received>>;
  explicit PipeEnd(detail::PipeHandle&& handle) noexcept : handle_(std::move(handle)) {}

  // For so many nanoseconds, or until a detail::Stop.
  template <class Patience>
  Result<Received> take(Patience patience) {
    Received value{};
    Result<void> taken = handle_.recv(detail::read_of(value), patience);
    if (!taken) return std::move(taken).failure();
    return value;
  }

  detail::PipeHandle handle_;
};

/// Both ends: `first` sends Forth and receives Back, `second` the other way about.
template <class Forth, class Back = Forth>
struct Pipe {
  PipeEnd<Forth, Back> first;   ///< one end
  PipeEnd<Back, Forth> second;  ///< the other

  /// Makes both: some system calls. Throws Exception.
  Pipe() : Pipe(detail::PipeHandle::create().value_or_throw()) {}

  /// As the constructor, with the failure as a value.
  static Result<Pipe> create() {
    Result<std::pair<detail::PipeHandle, detail::PipeHandle>> handles =
        detail::PipeHandle::create();
    if (!handles) return std::move(handles).failure();
    return Pipe(std::move(handles).value());
  }

 private:
  explicit Pipe(std::pair<detail::PipeHandle, detail::PipeHandle>&& handles) noexcept
      : first(std::move(handles.first)), second(std::move(handles.second)) {}
};

}  // namespace onecopy
