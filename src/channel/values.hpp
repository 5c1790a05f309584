// Messages and C++ values through a channel, waiting included: what queues and pipes of either
// language have in common.
//
// Any thread may call these at the same time on one channel. Everything that can fail or run long
// is done before the message is put or after it was taken; a death in between leaves what
// channel.hpp promises. A value that turns out not to be what the caller wanted is gone from the
// channel, and its blocks are free again.
#pragma once

#include <cstdint>

#include <onecopy/codec.hpp>
#include <onecopy/error.hpp>
#include <onecopy/stop.hpp>

#include "channel/channel.hpp"

namespace onecopy::channel {

// One round of putting or of getting: tries, waits for room or for a message, and tries again, for
// about a slice (50 ms) in all. Put::busy and Get::busy: not yet, so the caller looks at its
// signals and calls again. Put::full and Get::empty: the deadline has expired, or the other end of
// the stream is gone: then `broken` is set, and `ended`, after everything that was sent has been
// taken. Both begin as false and are the caller's from round to round. `peer` is the socket whose
// hanging up ends the stream, -1: there is none.
Put put_round(Channel& channel, const Outgoing& message, int peer, os::Deadline deadline,
              bool& broken) noexcept;
Get get_round(Channel& channel, Incoming& message, int peer, os::Deadline deadline,
              bool& ended) noexcept;

// Whether the other end of that socket is closed everywhere, or the socket is.
bool hung_up(int peer) noexcept;

// `wait` is in nanoseconds, detail::kForever included; with 0 the answer to "not now" is full or
// empty, else timed_out. `peer` is the socket whose hanging up ends the stream, -1: there is none.
Result<void> put_value(Channel& channel, const detail::ValueWrite& value, std::int64_t wait,
                       int peer);
Result<void> get_value(Channel& channel, const detail::ValueRead& value, std::int64_t wait,
                       int peer);

// Whether get_value() would answer at once.
Result<bool> poll_value(Channel& channel, std::int64_t wait, int peer);

// The same until a stop is asked for: Error::stopped, or false.
Result<void> put_value(Channel& channel, const detail::ValueWrite& value, detail::Stop stop,
                       int peer);
Result<void> get_value(Channel& channel, const detail::ValueRead& value, detail::Stop stop,
                       int peer);
Result<bool> poll_value(Channel& channel, detail::Stop stop, int peer);

}  // namespace onecopy::channel
