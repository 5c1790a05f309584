// What a handle on an end of a pipe has, for those parts of the library that make one.
//
// Any thread; see pipe_end.hpp.
#pragma once

#include <onecopy/pipe.hpp>

#include "channel/pipe_end.hpp"

namespace onecopy::detail {

struct PipeHandle::State {
  channel::PipeEnd end;
};

}  // namespace onecopy::detail
