// Taking a channel's two locks, with the repair that a death of the last holder asks for. Whoever
// needs both takes the one for getting first; memory::unlock() gives each back.
//
// Internal to the room; any thread of any member. A death while holding one is repaired by whoever
// takes it next.
#pragma once

#include "channel/channel.hpp"
#include "channel/record.hpp"

namespace onecopy::channel {

void lock_putting(ChannelRecord& record) noexcept;
void lock_getting(ChannelRecord& record) noexcept;
// False: busy (only with Contend::never).
bool lock_putting(ChannelRecord& record, Contend contend) noexcept;
bool lock_getting(ChannelRecord& record, Contend contend) noexcept;

}  // namespace onecopy::channel
