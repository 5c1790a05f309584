// Where the limits of the control groups above this process can be read, in both versions.
//
// Who may call: any thread; reads files and allocates, so it is for set-up and for refusals, not
// for every operation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onecopy::os {

struct CgroupDirectory {
  int version;       // 1 or 2.
  std::string path;  // As this process sees it, without `root`.
};

// The directories of our group and of every group above it that we can see, innermost first.
// `controller` is a name of version 1 ("memory", "cpu"); version 2 has one tree for all.
// Everything is read under `root`: root + "/proc/self/cgroup" and so on.
std::vector<CgroupDirectory> cgroup_directories(std::string_view controller,
                                                const std::string& root = "");

// The whole of a small file; nothing where it cannot be read.
std::optional<std::string> read_small_file(const std::string& path);
// The number after `key` at the start of a line ("inactive_file 4096", "MemAvailable:  10 kB").
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key);
// The number a text starts with.
std::optional<std::uint64_t> leading_number(std::string_view text);

}  // namespace onecopy::os
