// Starting another program, or this one afresh, as a member of the family.
//
// The parent reserves a place in the family and hands the arena's descriptor and the place on, in
// the environment variable ONECOPY_FAMILY ("descriptor:slot:generation"), and the end of a lifeline
// in ONECOPY_LIFELINE. The program calls join_from_environment() before it uses the engine. A
// program that never does so is no member, and its place is free again when it ends.
//
// Any thread may call these. A parent that dies in between leaves a reserved place, which is taken
// back with what the parent held.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <onecopy/error.hpp>

#include "channel/channel.hpp"
#include "process/child.hpp"

namespace onecopy::process {

struct Program {
  std::string path = {};                      // of the executable
  std::vector<std::string> arguments = {};    // its name first
  std::vector<std::string> environment = {};  // "NAME=value", besides what this process has
  bool daemon = false;                        // ends with this process
  // Channels that the program is told the names of: it holds them before it is born.
  std::span<channel::Channel* const> channels = {};
  std::span<const int> descriptors = {};  // that it has too, under their numbers
};

Result<Child> start_program(const Program& program);

// In the program: true when it has become the member that its parent reserved a place for; false
// when nobody did, or it is a member already. Takes the variables out of the environment, so that
// programs started from here by others do not try to be this member. Error::invalid: the variable
// is not what a parent writes. Error::version_mismatch: the parent runs another version.
Result<bool> join_from_environment();

}  // namespace onecopy::process
