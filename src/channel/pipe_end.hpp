// The two ends of a pipe, as the faces of both languages wrap them: a channel for each direction,
// and a pair of sockets that wakes who sleeps and tells when an end is closed, whoever inherited
// it.
//
// Any thread of any member may make a pipe; of an end see channel.hpp. A death leaves the kernel to
// close the socket, and the channels to the reclaim of what the dead held.
#pragma once

#include <utility>

#include <onecopy/error.hpp>

#include "channel/channel.hpp"
#include "os/descriptor.hpp"

namespace onecopy::channel {

struct PipeEnd {
  // A channel that is not valid: nothing goes that way. Whoever sends rings its own socket; the
  // other end hears it.
  PipeEnd(os::Descriptor given_socket, Channel given_incoming, Channel given_outgoing) noexcept
      : socket(std::move(given_socket)),
        incoming(std::move(given_incoming)),
        outgoing(std::move(given_outgoing)) {
    incoming.set_bell(-1, socket.get());
    outgoing.set_bell(socket.get(), -1);
  }

  // The channels refer to the socket, so it is closed last.
  os::Descriptor socket;
  Channel incoming;
  Channel outgoing;
};

// Not `duplex`: the first end only receives, the second only sends. Each direction holds
// onecopy::kBytesInFlight at most. Error::no_memory, Error::too_many.
Result<std::pair<PipeEnd, PipeEnd>> make_pipe(bool duplex);

// One end, both ways, on a socket whose peer another member has: it opens the other end by the
// names of the two channels. A death before it has them takes the pipe along. The errors are the
// same.
Result<PipeEnd> make_end(os::Descriptor socket);

}  // namespace onecopy::channel
