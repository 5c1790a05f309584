// A pipe of values with two ends: what one end sends the other receives, in order, both ways.
//
//   auto [here, there] = onecopy::Pipe<int, std::string>();
//   auto child = onecopy::Process::start([&] {
//     here.close();
//     there.send("received " + std::to_string(there.recv()));
//   }).value_or_throw();
//   there.close();
//   here.send(5);
//   std::string answer = here.recv();
//
// An end is closed when every process that has it has closed it or ended; a forked process has all
// the ends that its parent had. Then the other end finds Error::end_of_stream once it has received
// everything, and Error::broken_pipe when it sends. So each side closes the end that it does not
// use, as above. A sender that dies leaves its message whole or not at all.
//
// Any thread of any process may send or receive at any time; close(), the moves and the destructor
// are for one thread at a time. A value is copied at the moment of sending, but for what is moved
// into send(): see onecopy/queue.hpp. At most kBytesInFlight
// wait in each direction, or one message of any size; then sending waits.
//
// send(), recv() and poll() throw onecopy::Exception, the others answer with a Result; see
// onecopy/queue.hpp for the errors. Error::closed: this end was closed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <onecopy/codec.hpp>
#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

// What may wait to be received in each direction, in bytes.
inline constexpr std::size_t kBytesInFlight = std::size_t{64} << 20;

namespace detail {

// The part of a pipe's end that does not depend on the types of its values.
class PipeHandle {
 public:
  static Result<std::pair<PipeHandle, PipeHandle>> create();
  PipeHandle(PipeHandle&&) noexcept;
  PipeHandle& operator=(PipeHandle&&) noexcept;
  ~PipeHandle();

  // `wait` nanoseconds, kForever included; with 0, full and empty instead of timed_out.
  Result<void> send(ValueWrite value, std::int64_t wait);
  Result<void> recv(ValueRead value, std::int64_t wait);
  // Whether recv() would answer at once, be it with the end of the stream.
  Result<bool> poll(std::int64_t wait);
  void close() noexcept;
  bool closed() const noexcept { return state_ == nullptr; }

 private:
  struct State;
  explicit PipeHandle(UniquePointer<State> state) noexcept;
  UniquePointer<State> state_;
};

}  // namespace detail

// An end that sends values of type Sent and receives values of type Received.
template <class Sent, class Received = Sent>
class PipeEnd {
 public:
  PipeEnd(PipeEnd&&) noexcept = default;
  PipeEnd& operator=(PipeEnd&&) noexcept = default;

  void send(const Sent& value) {
    handle_.send(detail::write_of(value), detail::kForever).value_or_throw();
  }
  void send(Sent&& value)
    requires detail::Giving<Sent>
  {
    handle_.send(detail::give_of(value), detail::kForever).value_or_throw();
  }
  Received recv() {
    Received value{};
    handle_.recv(detail::read_of(value), detail::kForever).value_or_throw();
    return value;
  }

  Result<void> try_send(const Sent& value) { return handle_.send(detail::write_of(value), 0); }
  Result<void> try_send(Sent&& value)
    requires detail::Giving<Sent>
  {
    return handle_.send(detail::give_of(value), 0);
  }
  Result<Received> try_recv() { return take(0); }

  template <detail::Duration Time>
  Result<void> send_for(const Sent& value, Time time) {
    return detail::timed(handle_.send(detail::write_of(value), detail::nanoseconds(time)));
  }
  template <detail::Duration Time>
    requires detail::Giving<Sent>
  Result<void> send_for(Sent&& value, Time time) {
    return detail::timed(handle_.send(detail::give_of(value), detail::nanoseconds(time)));
  }
  template <detail::Duration Time>
  Result<Received> recv_for(Time time) {
    return detail::timed(take(detail::nanoseconds(time)));
  }

  // Whether there is something to receive, the end of the stream included, within the time.
  bool poll() { return handle_.poll(0).value_or_throw(); }
  template <detail::Duration Time>
  bool poll(Time time) {
    return handle_.poll(detail::nanoseconds(time)).value_or_throw();
  }

  void close() noexcept { handle_.close(); }
  bool closed() const noexcept { return handle_.closed(); }

 private:
  template <class A, class B>
  friend struct Pipe;
  explicit PipeEnd(detail::PipeHandle&& handle) noexcept : handle_(std::move(handle)) {}

  Result<Received> take(std::int64_t wait) {
    Received value{};
    Result<void> taken = handle_.recv(detail::read_of(value), wait);
    if (!taken) return std::move(taken).failure();
    return value;
  }

  detail::PipeHandle handle_;
};

// Both ends: `first` sends Forth and receives Back, `second` the other way about.
template <class Forth, class Back = Forth>
struct Pipe {
  PipeEnd<Forth, Back> first;
  PipeEnd<Back, Forth> second;

  // Throws Exception.
  Pipe() : Pipe(detail::PipeHandle::create().value_or_throw()) {}

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
