// Messages through a connection: sending, receiving and waiting, until the other side is gone.
//
// Called under the GIL, which they let go while they wait. `state` is the connection's own; where
// another thread closes the connection meanwhile, the call ends with OSError within a round.
#pragma once

#include "channel/channel.hpp"
#include "connection.hpp"
#include "encode.hpp"
#include "os/clock.hpp"

namespace onecopy::python {

// None; or null with BrokenPipeError, MemoryError or OSError set. A message that was sent is no
// longer the sender's.
PyObject* send_message(const Connection& connection, const std::shared_ptr<channel::PipeEnd>& state,
                       OutgoingMessage& message);

// False with EOFError (nothing will come any more) or another exception set.
bool receive_message(const Connection& connection, const std::shared_ptr<channel::PipeEnd>& state,
                     channel::Incoming& message);

// Whether a message waits, or the end does: 1, 0 when the time is over, -1 with an exception set.
int poll_message(const Connection& connection, const std::shared_ptr<channel::PipeEnd>& state,
                 os::Deadline deadline);

}  // namespace onecopy::python
