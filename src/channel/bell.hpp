// The doorbell: a descriptor that makes a channel visible to poll() and select().
//
// A message waits => the bell is readable. It is rung (under the lock for putting) before a message
// is published and stays rung while nobody silences it, so that a channel whose getter never sleeps
// costs no system call. It is silenced when a getter is about to sleep on it, and, once anybody has
// asked for the descriptor, whenever the channel runs empty: from then on it is readable exactly
// while a message waits. A death between ringing and publishing leaves one needless ring.
#pragma once

#include "channel/record.hpp"

namespace onecopy::channel {

// With the lock for putting held, before publishing.
void ring_bell(ChannelRecord& record, int ring_descriptor) noexcept;

// Takes the lock for putting. Returns true when the other end of the bell is closed everywhere.
bool silence_bell_if_empty(ChannelRecord& record, int hear_descriptor) noexcept;

}  // namespace onecopy::channel
