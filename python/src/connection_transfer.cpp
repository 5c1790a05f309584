#include "connection_transfer.hpp"

#include "channel/values.hpp"
#include "errors.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using channel::Channel;
using channel::Contend;
using channel::Get;
using channel::Put;

using State = std::shared_ptr<channel::PipeEnd>;

auto still_open(const Connection& connection, const State& state) {
  return [&connection, &state] {
    if (connection.state == state) return true;
    raise_os_error("handle is closed");
    return false;
  };
}

}  // namespace

PyObject* send_message(const Connection& connection, const State& state, OutgoingMessage& message) {
  const int peer = state->socket.get();
  if (channel::hung_up(peer)) return raise_broken_pipe();
  const channel::Outgoing outgoing = message.outgoing();
  Put outcome = outgoing.body.size() < kWorthLettingGo
                    ? state->outgoing.try_put(outgoing, Contend::never)
                    : Put::busy;
  if (outcome == Put::busy || outcome == Put::full) {
    bool broken = false;
    const auto round = [&] {
      outcome = put_round(state->outgoing, outgoing, peer, os::Deadline::never(), broken);
      return outcome != Put::busy;
    };
    if (!block_until(round, still_open(connection, state))) return nullptr;
    if (broken) return raise_broken_pipe();
  }
  switch (outcome) {
    case Put::done:
      message.cargo.delivered();
      Py_RETURN_NONE;
    case Put::no_memory:
      return raise(channel::last_put_failure());
    case Put::full:
    case Put::busy:
    case Put::closed:
      break;
  }
  return raise_os_error("handle is closed");
}

bool receive_message(const Connection& connection, const State& state, channel::Incoming& message) {
  Channel& channel = state->incoming;
  Get outcome = channel.try_get(message, Contend::never);
  if (outcome == Get::busy || outcome == Get::empty) {
    bool ended = false;
    const auto round = [&] {
      outcome = get_round(channel, message, state->socket.get(), os::Deadline::never(), ended);
      return outcome != Get::busy;
    };
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
  Channel& channel = state->incoming;
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
