#include "channel/pipe_end.hpp"

#include <onecopy/pipe.hpp>

namespace onecopy::channel {
namespace {

// The two ends of one direction, each with a handle of its own, to be closed on its own.
struct Direction {
  Channel sending;
  Channel receiving;
};

Result<Channel> make_channel() { return Channel::create({.maximum_bytes = kBytesInFlight}); }

Result<Direction> make_direction() {
  Result<Channel> sending = make_channel();
  if (!sending) return std::move(sending).failure();
  Result<Channel> receiving = Channel::open(sending->name());
  if (!receiving) return std::move(receiving).failure();
  return Direction{std::move(sending).value(), std::move(receiving).value()};
}

}  // namespace

Result<std::pair<PipeEnd, PipeEnd>> make_pipe(bool duplex) {
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  auto sockets = os::stream_pair(true);
  if (!sockets) return std::move(sockets).failure();
  Result<Direction> to_first = make_direction();
  if (!to_first) return std::move(to_first).failure();
  Result<Direction> to_second = duplex ? make_direction() : Direction{};
  if (!to_second) return std::move(to_second).failure();
  return std::pair(PipeEnd(std::move(sockets->first), std::move(to_first->receiving),
                           std::move(to_second->sending)),
                   PipeEnd(std::move(sockets->second), std::move(to_second->receiving),
                           std::move(to_first->sending)));
}

Result<PipeEnd> make_end(os::Descriptor socket) {
  Result<Channel> incoming = make_channel();
  if (!incoming) return std::move(incoming).failure();
  Result<Channel> outgoing = make_channel();
  if (!outgoing) return std::move(outgoing).failure();
  return PipeEnd(std::move(socket), std::move(incoming).value(), std::move(outgoing).value());
}

}  // namespace onecopy::channel
