#include "process/spawn.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "memory/family.hpp"
#include "os/child_process.hpp"
#include "os/descriptor.hpp"
#include "os/lifeline.hpp"
#include "os/own_descriptors.hpp"
#include "process/lifelines.hpp"
#include "process/variables.hpp"

extern char** environ;

namespace onecopy::process {
namespace {

constexpr const char* kFamily = "ONECOPY_FAMILY";
constexpr const char* kLifeline = "ONECOPY_LIFELINE";

bool sets(std::string_view entry, std::string_view name) {
  return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

// What the program gets: its own entries, then ours, then those of this process that neither sets.
std::vector<std::string> environment_of(const Program& program, std::string family, int lifeline) {
  std::vector<std::string> environment = program.environment;
  environment.push_back(std::string(kFamily) + "=" + std::move(family));
  if (lifeline >= 0) {
    environment.push_back(std::string(kLifeline) + "=" + std::to_string(lifeline));
  }
  const std::size_t ours = environment.size();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    bool set = name == kFamily || name == kLifeline;
    for (std::size_t i = 0; i < ours && !set; ++i) set = sets(environment[i], name);
    if (!set) environment.emplace_back(text);
  }
  return environment;
}

}  // namespace

Result<Child> start_program(const Program& program) {
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  const Result<int> arena = memory::family_descriptor();
  if (!arena) return arena.failure();
  const auto made = lifeline_for(program.daemon);
  if (!made) return made.failure();
  const std::pair<int, int> lifeline = *made;
  const os::Descriptor childs_end(lifeline.second);

  const Result<memory::Ticket> place = memory::reserve_place();
  if (!place) {
    close_lifeline(lifeline.first);
    return place.failure();
  }
  for (channel::Channel* channel : program.channels) channel->hold_for(place->slot);

  std::vector<int> keep(program.descriptors.begin(), program.descriptors.end());
  keep.push_back(*arena);
  if (childs_end) keep.push_back(childs_end.get());
  const Result<pid_t> pid =
      os::start_program(program.path, program.arguments,
                        environment_of(program,
                                       std::to_string(*arena) + ":" + std::to_string(place->slot) +
                                           ":" + std::to_string(place->generation),
                                       childs_end.get()),
                        keep);
  if (!pid) {
    memory::release_place(*place);
    close_lifeline(lifeline.first);
    return pid.failure();
  }
  memory::name_newcomer(*place, *pid);
  return Child(*pid, lifeline.first);
}

Result<bool> join_from_environment() {
  const auto lifeline = take_variable(kLifeline);
  const auto family = take_variable(kFamily);
  if (lifeline) {
    int descriptor = -1;
    if (!parse_numbers(*lifeline, descriptor)) return bad_variable(kLifeline, *lifeline);
    static_cast<void>(os::set_inheritable(descriptor, false));
    // What this process forks has no use for it, and may run for long.
    static_cast<void>(os::NoFork().note(descriptor));
    if (Result<void> armed = os::arm_lifeline(descriptor); !armed)
      return std::move(armed).failure();
  }
  if (!family || memory::in_family()) return false;
  int descriptor = -1;
  memory::Ticket place;
  if (!parse_numbers(*family, descriptor, place.slot, place.generation)) {
    return bad_variable(kFamily, *family);
  }
  if (Result<void> adopted = memory::adopt(descriptor, place); !adopted) {
    return std::move(adopted).failure();
  }
  // Only now is it known to be the arena's, and not another file's by now.
  os::Descriptor(descriptor).reset();
  return true;
}

}  // namespace onecopy::process
