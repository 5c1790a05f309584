// C++ values through a channel: what queues and pipes of C++ have in common.
//
// Any thread may call these at the same time on one channel. Everything that can fail or run long
// is done before the message is put or after it was taken; a death in between leaves what
// channel.hpp promises. A value that turns out not to be what the caller wanted is gone from the
// channel, and its blocks are free again.
#pragma once

#include <cstdint>

#include <onecopy/codec.hpp>
#include <onecopy/error.hpp>

#include "channel/channel.hpp"

namespace onecopy::channel {

// `wait` is in nanoseconds, detail::kForever included; with 0 the answer to "not now" is full or
// empty, else timed_out. `peer` is the socket whose hanging up ends the stream, -1: there is none.
Result<void> put_value(Channel& channel, detail::ValueWrite value, std::int64_t wait, int peer);
Result<void> get_value(Channel& channel, detail::ValueRead value, std::int64_t wait, int peer);

// Whether get_value() would answer at once.
Result<bool> poll_value(Channel& channel, std::int64_t wait, int peer);

}  // namespace onecopy::channel
