// Names a pool for the members that are to work in it: plain data, valid in the family only.
#pragma once

#include "channel/channel.hpp"
#include "memory/shared.hpp"

namespace onecopy::pool {

struct Name {
  memory::SharedName seats;
  channel::Name tasks;
  channel::Name answers;
};

}  // namespace onecopy::pool
