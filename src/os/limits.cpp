#include "os/limits.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>

#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "os/cgroup.hpp"

namespace onecopy::os {

namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t limit_of(decltype(RLIMIT_AS) resource) noexcept {
  rlimit limit;
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  return limit.rlim_cur;
}

MemoryLimit free_memory(const std::string& root) {
  const auto text = read_small_file(root + "/proc/meminfo");
  const auto available = text ? number_after(*text, "MemAvailable") : std::nullopt;
  if (available) return {*available * 1024, "free memory (MemAvailable)"};
  // Without /proc: what is free, not counting file cache.
  struct sysinfo info;
  if (sysinfo(&info) != 0) return {kUnlimited, "nothing known"};
  return {std::uint64_t{info.freeram} * info.mem_unit, "free memory (sysinfo)"};
}

// How the two versions call the same things.
struct Names {
  const char* limit;
  const char* usage;
  const char* cache;
};
constexpr Names kNames[] = {
    {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
    {"memory.max", "memory.current", "inactive_file"},
};

std::optional<MemoryLimit> group_memory(const std::string& root, const CgroupDirectory& group) {
  const Names& names = kNames[group.version - 1];
  const std::string directory = root + group.path + "/";
  // "max" where there is no limit: not a number.
  const auto limit = leading_number(read_small_file(directory + names.limit).value_or("max"));
  const auto usage = leading_number(read_small_file(directory + names.usage).value_or(""));
  if (!limit || !usage) return std::nullopt;
  const std::string stat = read_small_file(directory + "memory.stat").value_or("");
  const std::uint64_t cache = number_after(stat, names.cache).value_or(0);
  const std::uint64_t held = *usage - std::min(*usage, cache);
  return MemoryLimit{*limit - std::min(*limit, held),
                     std::string(names.limit) + " of " + group.path};
}

}  // namespace

MemoryLimit memory_available(const std::string& root) {
  MemoryLimit smallest = free_memory(root);
  for (const CgroupDirectory& group : cgroup_directories("memory", root)) {
    auto limit = group_memory(root, group);
    if (limit && limit->bytes < smallest.bytes) smallest = std::move(*limit);
  }
  return smallest;
}

std::uint64_t address_space_limit() noexcept { return limit_of(RLIMIT_AS); }

std::uint64_t file_size_limit() noexcept { return limit_of(RLIMIT_FSIZE); }

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc()) return std::nullopt;
  std::string unit(parsed.ptr, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  if (unit.empty() || unit == "B") return number;

  constexpr std::string_view kPrefixes = "KMGT";
  const std::size_t power = kPrefixes.find(unit[0]);
  const std::string_view rest = std::string_view(unit).substr(1);
  if (power == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "IB")) {
    return std::nullopt;
  }
  std::uint64_t bytes;
  if (__builtin_mul_overflow(number, std::uint64_t{1} << (10 * (power + 1)), &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace onecopy::os
