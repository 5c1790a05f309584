#include "connection_transfer.hpp"

#include "errors.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using channel::Channel;
using channel::Contend;
using channel::Get;
using channel::Put;
using channel::Wait;

using State = std::shared_ptr<ConnectionState>;

// Bodies above this are copied into the channel without the GIL.
constexpr std::size_t kCopiedUnderGil = 256 * 1024;

auto still_open(const Connection& connection, const State& state) {
  return [&connection, &state] {
    if (connection.state == state) return true;
    raise_os_error("handle is closed");
    return false;
  };
}

// Whether nobody is left at the other end.
bool hung_up(const ConnectionState& state) noexcept {
  return os::poll_one(state.socket.get(), false, false, os::Deadline::after(0)).hung_up;
}

// One round without the GIL. True: the outcome stands.
bool send_round(ConnectionState& state, const channel::Outgoing& message, Put& outcome,
                bool& broken) {
  const os::Deadline round = os::Deadline::after(kRound);
  do {
    outcome = state.send.try_put(message, Contend::yes);
    if (outcome != Put::full && outcome != Put::busy) return true;
    broken = hung_up(state);
    if (broken) return true;
    if (outcome == Put::full && state.send.wait_for_room(os::Deadline::never()) != Wait::ready) {
      return false;
    }
  } while (!round.expired());
  return false;
}

// The same for a message to come. `ended`: nothing will come after what is there.
bool receive_round(Channel& channel, channel::Incoming& message, Get& outcome, bool& ended) {
  const os::Deadline round = os::Deadline::after(kRound);
  do {
    outcome = channel.try_get(message, Contend::yes);
    if (outcome == Get::empty) {
      // Looked at once more after the end was seen: what was sent before it is there by then.
      if (ended) return true;
      if (channel.wait_for_bell(os::Deadline::never(), ended) != Wait::ready) return false;
    } else if (outcome != Get::busy) {
      return true;
    }
  } while (!round.expired());
  return false;
}

}  // namespace

PyObject* send_message(const Connection& connection, const State& state, OutgoingMessage& message) {
  if (hung_up(*state)) return raise_broken_pipe();
  const channel::Outgoing outgoing = message.outgoing();
  Put outcome = outgoing.body.size() <= kCopiedUnderGil
                    ? state->send.try_put(outgoing, Contend::never)
                    : Put::busy;
  if (outcome == Put::busy || outcome == Put::full) {
    bool broken = false;
    const auto round = [&] { return send_round(*state, outgoing, outcome, broken); };
    if (!block_until(round, still_open(connection, state))) return nullptr;
    if (broken) return raise_broken_pipe();
  }
  switch (outcome) {
    case Put::done:
      message.cargo.delivered();
      Py_RETURN_NONE;
    case Put::no_memory:
      return raise(state->send.last_failure());
    case Put::full:
    case Put::busy:
    case Put::closed:
      break;
  }
  return raise_os_error("handle is closed");
}

bool receive_message(const Connection& connection, const State& state, channel::Incoming& message) {
  Channel& channel = state->receive;
  Get outcome = channel.try_get(message, Contend::never);
  if (outcome == Get::busy || outcome == Get::empty) {
    bool ended = false;
    const auto round = [&] { return receive_round(channel, message, outcome, ended); };
    if (!block_until(round, still_open(connection, state))) return false;
  }
  switch (outcome) {
    case Get::done:
      return true;
    case Get::empty:
      raise_eof();
      break;
    case Get::corrupt:
      raise({Error::corrupt});
      break;
    case Get::busy:
    case Get::closed:
      raise_os_error("handle is closed");
      break;
  }
  return false;
}

int poll_message(const Connection& connection, const State& state, os::Deadline deadline) {
  Channel& channel = state->receive;
  if (channel.size() != 0) return 1;
  bool ended = false;
  const auto round = [&] {
    channel.wait_for_bell(deadline, ended);
    return ended || channel.size() != 0 || deadline.expired();
  };
  if (!block_until(round, still_open(connection, state))) return -1;
  return ended || channel.size() != 0 ? 1 : 0;
}

}  // namespace onecopy::python
