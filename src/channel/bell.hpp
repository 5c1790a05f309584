// The bells: descriptors that make a channel visible to poll() and select().
//
// The doorbell: a message waits => it is readable, as soon as the lock for putting is free; but not
// where its putter had no descriptor to ring. It stays rung while nobody silences it, so that a
// channel whose getter never sleeps costs no system call; it is silenced when a getter is about to
// sleep on it. As long as it only wakes our own sleepers it is rung after publishing: whoever wakes
// finds the message, and a death in between costs the sleeper a slice. Once anybody has asked for
// the descriptor it is rung before publishing, and silenced whenever the channel runs empty: from
// then on it is readable exactly while a message waits, and a death in between leaves one needless
// ring, which the next to find the channel empty silences.
//
// The bell for room is the same for putters, the other way round: from the moment on that anybody
// asks for it, it is readable exactly while a bounded channel is not full. Getters ring it before
// they take, under their own lock; who fills the channel silences it under the same. It is an
// eventfd, and where nobody asks it costs nobody a system call.
#pragma once

#include "channel/record.hpp"

namespace onecopy::channel {

// With the lock for putting held.
void ring_bell(ChannelRecord& record, int ring_descriptor) noexcept;

// Silences the bell of an empty channel, and makes sure of it where a message waits. Takes the lock
// for putting. Returns true when the other end of the bell is closed everywhere.
bool silence_bell_if_empty(ChannelRecord& record, int ring_descriptor,
                           int hear_descriptor) noexcept;

// With the lock for getting held.
void ring_room_bell(ChannelRecord& record, int descriptor) noexcept;

// Silences the bell for room of a full channel, and makes sure of it where there is room. Takes the
// lock for getting.
void silence_room_bell_if_full(ChannelRecord& record, int descriptor) noexcept;

}  // namespace onecopy::channel
