// The pipe of include/onecopy/pipe.hpp: a channel for each direction, and a pair of sockets that
// wakes who sleeps and tells when an end is closed, whoever inherited it.
#include <onecopy/pipe.hpp>

#include "channel/channel.hpp"
#include "channel/values.hpp"
#include "os/descriptor.hpp"

namespace onecopy::detail {

struct PipeHandle::State {
  // The channels refer to the socket, so it is closed last.
  os::Descriptor socket;
  channel::Channel incoming;
  channel::Channel outgoing;

  State(os::Descriptor given_socket, channel::Channel given_incoming,
        channel::Channel given_outgoing) noexcept
      : socket(std::move(given_socket)),
        incoming(std::move(given_incoming)),
        outgoing(std::move(given_outgoing)) {
    incoming.set_bell(-1, socket.get());
    outgoing.set_bell(socket.get(), -1);
  }
};

Result<std::pair<PipeHandle, PipeHandle>> PipeHandle::create() {
  using channel::Channel;
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  auto sockets = os::stream_pair(true);
  if (!sockets) return std::move(sockets).failure();
  const channel::Options options{.maximum_bytes = kBytesInFlight};
  Result<Channel> forth = Channel::create(options);
  if (!forth) return std::move(forth).failure();
  Result<Channel> back = Channel::create(options);
  if (!back) return std::move(back).failure();
  // Each end has a handle of its own on both channels, to be closed on its own.
  Result<Channel> forth_too = Channel::open(forth->name());
  if (!forth_too) return std::move(forth_too).failure();
  Result<Channel> back_too = Channel::open(back->name());
  if (!back_too) return std::move(back_too).failure();
  return std::pair(
      PipeHandle(std::make_unique<State>(std::move(sockets->first), std::move(back).value(),
                                         std::move(forth).value())),
      PipeHandle(std::make_unique<State>(std::move(sockets->second), std::move(forth_too).value(),
                                         std::move(back_too).value())));
}

PipeHandle::PipeHandle(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
PipeHandle::PipeHandle(PipeHandle&&) noexcept = default;
PipeHandle& PipeHandle::operator=(PipeHandle&&) noexcept = default;
PipeHandle::~PipeHandle() = default;

Result<void> PipeHandle::send(ValueWrite value, std::int64_t wait) {
  if (closed()) return Error::closed;
  return channel::put_value(state_->outgoing, value, wait, state_->socket.get());
}

Result<void> PipeHandle::recv(ValueRead value, std::int64_t wait) {
  if (closed()) return Error::closed;
  return channel::get_value(state_->incoming, value, wait, state_->socket.get());
}

Result<bool> PipeHandle::poll(std::int64_t wait) {
  if (closed()) return Error::closed;
  return channel::poll_value(state_->incoming, wait, state_->socket.get());
}

void PipeHandle::close() noexcept { state_.reset(); }

}  // namespace onecopy::detail
