#include "channel/values.hpp"

#include <onecopy/deadline.hpp>

#include "message/codec_state.hpp"
#include "message/number.hpp"
#include "os/descriptor.hpp"

namespace onecopy::channel {
namespace {

os::Deadline deadline_of(std::int64_t wait) noexcept {
  return wait == detail::kForever ? os::Deadline::never() : os::Deadline::after(wait);
}

// Inline: a part of each get.
[[gnu::always_inline]] inline Result<void> decode(const Incoming& message,
                                                  const detail::ValueRead& value) {
  switch (message.kind) {
    case Kind::value:
      if (message::is_number(value.number) && message.blocks.empty() &&
          message::read_number(message.body, value)) {
        return {};
      }
      [[fallthrough]];
    case Kind::pickle: {
      Decoder::State state(message.body, {.indices = message.blocks}, message.kind);
      return state.decode(value);
    }
    case Kind::raw:
      return Failure{Error::invalid, 0, "the message is raw bytes, not a value"};
  }
  return Failure{Error::corrupt, 0, "the message is of no known kind"};
}

// However the reading ends, by an exception of a user's Codec too.
struct Discard {
  Incoming& message;
  ~Discard() {
    if (!message.blocks.empty()) message.discard();
  }
};

Failure failure_of(Get outcome, bool ended, Error missed) {
  switch (outcome) {
    case Get::corrupt:
      return {Error::corrupt, 0, "the channel holds what no sender writes"};
    case Get::empty:
      return {ended ? Error::end_of_stream : missed};
    case Get::done:
    case Get::busy:
    case Get::closed:
      break;
  }
  return {Error::closed};
}

// Waits a slice for a message; `ended` is set where the other end is gone.
Wait wait_for_message(Channel& channel, int peer, os::Deadline deadline, bool& ended) noexcept {
  return peer < 0 ? channel.wait_for_message(deadline) : channel.wait_for_bell(deadline, ended);
}

// At first without a look at the clock. Inline: a part of each put.
[[gnu::always_inline]] inline Put put_message(Channel& channel, const Outgoing& message,
                                              std::int64_t wait, int peer, bool& broken) noexcept {
  Put outcome = channel.try_put(message, Contend::yes);
  if (outcome == Put::done) [[likely]]
    return outcome;
  const os::Deadline deadline = deadline_of(wait);
  if (outcome == Put::full) outcome = Put::busy;
  while (outcome == Put::busy) outcome = put_round(channel, message, peer, deadline, broken);
  return outcome;
}

Failure failure_of(Put outcome, bool broken, std::int64_t wait) {
  switch (outcome) {
    case Put::no_memory:
      return last_put_failure();
    case Put::full:
      if (broken) return {Error::broken_pipe};
      return {wait == 0 ? Error::full : Error::timed_out};
    case Put::done:
    case Put::busy:
    case Put::closed:
      break;
  }
  return {Error::closed};
}

}  // namespace

bool hung_up(int peer) noexcept {
  if (peer < 0) return false;
  const os::Poll poll = os::poll_one(peer, false, false, os::Deadline::at(0));
  return poll.hung_up || poll.invalid;
}

Put put_round(Channel& channel, const Outgoing& message, int peer, os::Deadline deadline,
              bool& broken) noexcept {
  const os::Deadline round = os::Deadline::after(sync::kSlice);
  do {
    const Put outcome = channel.try_put(message, Contend::yes);
    if (outcome != Put::full) return outcome;
    broken = hung_up(peer);
    if (broken || deadline.expired()) return Put::full;
    if (channel.wait_for_room(deadline) != Wait::ready) return Put::busy;
  } while (!round.expired());
  return Put::busy;
}

Get get_round(Channel& channel, Incoming& message, int peer, os::Deadline deadline,
              bool& ended) noexcept {
  const os::Deadline round = os::Deadline::after(sync::kSlice);
  do {
    const Get outcome = channel.try_get(message, Contend::yes);
    // Looked at once more after the end was seen: what was sent before it is there by then.
    if (outcome != Get::empty || ended) return outcome;
    if (deadline.expired()) {
      ended = hung_up(peer);
      if (!ended) return Get::empty;
      continue;
    }
    if (wait_for_message(channel, peer, deadline, ended) != Wait::ready) return Get::busy;
  } while (!round.expired());
  return Get::busy;
}

Result<void> put_value(Channel& channel, const detail::ValueWrite& value, std::int64_t wait,
                       int peer) {
  // Before the work of writing it: these two need not know the message.
  if (hung_up(peer)) return Error::broken_pipe;
  if (wait == 0 && channel.full()) return Error::full;

  channel.expect_put();
  bool broken = false;
  if (message::is_number(value.number)) {
    message::NumberBody body;
    if (message::write_number(body, value)) {
      const Outgoing message{.kind = Kind::value, .body = body.span(), .blocks = {}};
      const Put outcome = put_message(channel, message, wait, peer, broken);
      if (outcome != Put::done) return failure_of(outcome, broken, wait);
      return {};
    }
  }
  Encoder::State state;
  state.may_be_pickle = true;
  if (Result<void> encoded = state.encode(value); !encoded) return encoded;
  const Outgoing message{
      .kind = state.kind, .body = state.buffer.span(), .blocks = state.blocks.span()};
  const Put outcome = put_message(channel, message, wait, peer, broken);
  if (outcome != Put::done) return failure_of(outcome, broken, wait);
  state.delivered();
  return {};
}

// Apart from the other, which is not to pay for what it has not.
Result<void> put_value(Channel& channel, const detail::ValueWrite& value, detail::Stop stop,
                       int peer) {
  if (hung_up(peer)) return Error::broken_pipe;
  Encoder::State state;
  state.may_be_pickle = true;
  if (Result<void> encoded = state.encode(value); !encoded) return encoded;
  const Outgoing message{
      .kind = state.kind, .body = state.buffer.span(), .blocks = state.blocks.span()};
  bool broken = false;
  Put outcome = Put::busy;
  while (outcome == Put::busy) {
    const os::Deadline deadline = sync::unless_stopped(os::Deadline::never(), stop);
    outcome = put_round(channel, message, peer, deadline, broken);
  }
  if (outcome == Put::full && !broken) return Error::stopped;
  if (outcome != Put::done) return failure_of(outcome, broken, detail::kForever);
  state.delivered();
  return {};
}

Result<void> get_value(Channel& channel, const detail::ValueRead& value, std::int64_t wait,
                       int peer) {
  Incoming message;
  const os::Deadline deadline = deadline_of(wait);
  Get outcome = channel.try_get(message, Contend::yes);
  if (outcome == Get::empty) outcome = Get::busy;
  bool ended = false;
  while (outcome == Get::busy) outcome = get_round(channel, message, peer, deadline, ended);
  if (outcome != Get::done) {
    return failure_of(outcome, ended, wait == 0 ? Error::empty : Error::timed_out);
  }
  const Discard discard{message};
  return decode(message, value);
}

Result<void> get_value(Channel& channel, const detail::ValueRead& value, detail::Stop stop,
                       int peer) {
  Incoming message;
  Get outcome = Get::busy;
  bool ended = false;
  while (outcome == Get::busy) {
    const os::Deadline deadline = sync::unless_stopped(os::Deadline::never(), stop);
    outcome = get_round(channel, message, peer, deadline, ended);
  }
  if (outcome != Get::done) return failure_of(outcome, ended, Error::stopped);
  const Discard discard{message};
  return decode(message, value);
}

Result<bool> poll_value(Channel& channel, std::int64_t wait, int peer) {
  const os::Deadline deadline = deadline_of(wait);
  bool ended = hung_up(peer);
  while (channel.size() == 0 && !ended) {
    if (deadline.expired()) return false;
    wait_for_message(channel, peer, deadline, ended);
  }
  return true;
}

Result<bool> poll_value(Channel& channel, detail::Stop stop, int peer) {
  for (;;) {
    const bool stopped = stop.requested();
    Result<bool> ready = poll_value(channel, stopped ? 0 : sync::kSlice, peer);
    if (!ready || *ready || stopped) return ready;
  }
}

}  // namespace onecopy::channel
