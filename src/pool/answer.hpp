// What stands behind the body of an answer: which task it is the answer of, if any, whether that
// succeeded, and how long it took. So these are known of an answer whose value cannot be read.
//
// Any thread; nothing here is shared.
#pragma once

#include <cstdint>
#include <optional>

#include "channel/channel.hpp"
#include "message/byte_buffer.hpp"
#include "os/clock.hpp"

namespace onecopy::pool {

struct Verdict {
  std::optional<std::uint32_t> number;  // nothing: what a worker has to tell besides its tasks
  bool success = false;
  os::Nanoseconds computing = 0;  // what was asked for, without its way here and back
};

// Appended to a body that is complete.
void append_verdict(message::ByteBuffer& body, Verdict verdict) noexcept;

// Takes it off again; nothing, and the body unchanged, where there is none.
std::optional<Verdict> cut_off_verdict(channel::Incoming& answer) noexcept;

}  // namespace onecopy::pool
