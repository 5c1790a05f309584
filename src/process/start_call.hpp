// Starting this program afresh to do a call. Where the call is it finds in ONECOPY_CALL, and comes
// into the family by what process/spawn.hpp leaves it.
//
// Any thread may start one. For a death on either side see there, and process/call.hpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <onecopy/error.hpp>

#include "process/call.hpp"
#include "process/child.hpp"

namespace onecopy::process {

// What such a process is besides.
struct Afresh {
  bool daemon = false;
  std::vector<std::string> environment = {};  // "NAME=value"
  std::span<const int> descriptors = {};
};

Result<Child> start_call(OutgoingCall& call, const Afresh& afresh);

// In the program, before it does anything else: the call that it was started for. It is gone from
// the environment then.
std::optional<std::string> take_call();
// The exit code of that call.
int run_taken_call(const std::string& taken);

}  // namespace onecopy::process
