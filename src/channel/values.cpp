#include "channel/values.hpp"

#include <onecopy/deadline.hpp>

#include "message/codec_state.hpp"
#include "os/descriptor.hpp"

namespace onecopy::channel {
namespace {

os::Deadline deadline_of(std::int64_t wait) noexcept {
  return wait == detail::kForever ? os::Deadline::never() : os::Deadline::after(wait);
}

bool hung_up(int peer) noexcept {
  if (peer < 0) return false;
  const os::Poll poll = os::poll_one(peer, false, false, os::Deadline::at(0));
  return poll.hung_up || poll.invalid;
}

Result<void> decode(const Incoming& message, detail::ValueRead value) {
  switch (static_cast<message::Kind>(message.kind)) {
    case message::Kind::value: {
      Decoder::State state(message.body, {.indices = message.blocks});
      return state.decode(value);
    }
    case message::Kind::pickle:
      return Failure{Error::invalid, 0, "the message is a pickle, which only Python reads"};
    case message::Kind::raw:
      return Failure{Error::invalid, 0, "the message is raw bytes, not a value"};
  }
  return Failure{Error::corrupt, 0, "the message is of no known kind"};
}

// Waits a while for a message; `over` is set where the stream has ended.
void wait_for_message(Channel& channel, os::Deadline deadline, int peer, bool& over) noexcept {
  if (peer < 0) {
    channel.wait_for_message(deadline);
  } else {
    channel.wait_for_bell(deadline, over);
  }
}

}  // namespace

Result<void> put_value(Channel& channel, detail::ValueWrite value, std::int64_t wait, int peer) {
  // Before the work of writing it: these two need not know the message.
  if (hung_up(peer)) return Error::broken_pipe;
  if (wait == 0 && channel.full()) return Error::full;

  Encoder::State state;
  if (Result<void> encoded = state.encode(value); !encoded) return encoded;
  const Outgoing message{.kind = static_cast<Kind>(message::Kind::value),
                         .body = state.buffer.span(),
                         .blocks = state.blocks.span()};
  const os::Deadline deadline = deadline_of(wait);
  for (;;) {
    switch (channel.try_put(message, Contend::yes)) {
      case Put::done:
        state.blocks.delivered();
        return {};
      case Put::no_memory:
        return channel.last_failure();
      case Put::closed:
        return Error::closed;
      case Put::busy:
        break;
      case Put::full:
        if (wait == 0) return Error::full;
        if (deadline.expired()) return Error::timed_out;
        channel.wait_for_room(deadline);
        if (hung_up(peer)) return Error::broken_pipe;
        break;
    }
  }
}

Result<void> get_value(Channel& channel, detail::ValueRead value, std::int64_t wait, int peer) {
  Incoming message;
  const os::Deadline deadline = deadline_of(wait);
  bool over = false;
  for (;;) {
    switch (channel.try_get(message, Contend::yes)) {
      case Get::done: {
        // However the reading ends, by an exception of a user's Codec too.
        struct Discard {
          Incoming& message;
          ~Discard() { message.discard(); }
        } discard{message};
        return decode(message, value);
      }
      case Get::closed:
        return Error::closed;
      case Get::corrupt:
        return Failure{Error::corrupt, 0, "the channel holds what no sender writes"};
      case Get::busy:
        break;
      case Get::empty:
        // The order matters: what the other end sent before it went is received first.
        if (over) return Error::end_of_stream;
        if (wait == 0) {
          if (!hung_up(peer)) return Error::empty;
          over = true;
        } else if (deadline.expired()) {
          return Error::timed_out;
        } else {
          wait_for_message(channel, deadline, peer, over);
        }
        break;
    }
  }
}

Result<bool> poll_value(Channel& channel, std::int64_t wait, int peer) {
  const os::Deadline deadline = deadline_of(wait);
  bool over = hung_up(peer);
  while (channel.size() == 0 && !over) {
    if (deadline.expired()) return false;
    wait_for_message(channel, deadline, peer, over);
  }
  return true;
}

}  // namespace onecopy::channel
