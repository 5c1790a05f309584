#include "os/memory_kills.hpp"

#include "os/cgroup.hpp"

namespace onecopy::os {

std::uint64_t memory_kill_count(const std::string& root) {
  constexpr std::string_view kKey = "oom_kill";
  // Innermost first: a group that says nothing of itself is counted by the one above.
  for (const CgroupDirectory& group : cgroup_directories("memory", root)) {
    const char* file = group.version == 2 ? "/memory.events" : "/memory.oom_control";
    const auto text = read_small_file(root + group.path + file);
    const auto count = text ? number_after(*text, kKey) : std::nullopt;
    if (count) return *count;
  }
  const auto text = read_small_file(root + "/proc/vmstat");
  return (text ? number_after(*text, kKey) : std::nullopt).value_or(0);
}

}  // namespace onecopy::os
