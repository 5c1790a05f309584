// What stands behind the queues of include/onecopy/queue.hpp, for the rooms above that give and
// take them by name.
#pragma once

#include <onecopy/queue.hpp>

#include "channel/channel.hpp"

namespace onecopy::detail {

struct QueueHandle::State {
  channel::Channel channel;
};

}  // namespace onecopy::detail
