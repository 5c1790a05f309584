// How much memory and how many addresses may still be used, and what sets the limit.
//
// Who may call: any thread; memory_available() reads a dozen files (100 to 300 us) and allocates,
// so ask before something large, not before everything. The answer is a snapshot: others use memory
// too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onecopy::os {

struct MemoryLimit {
  std::uint64_t bytes;  // What can still be had.
  std::string name;     // What limits it, for a person: "memory.max of /sys/fs/cgroup/x".
};

// The smallest of the machine's free memory and, for each control group above us, its limit less
// its use; file cache that the kernel would drop counts as free. `root` is put before every path.
MemoryLimit memory_available(const std::string& root = "");

// RLIMIT_AS: addresses this process may map in all; the largest number where unlimited.
std::uint64_t address_space_limit() noexcept;
// RLIMIT_FSIZE: how long a file may be made, shared memory too; likewise.
std::uint64_t file_size_limit() noexcept;

// "1000000", "512M", "4GiB": K, M, G, T count in 1024s, in either case, with or without B or iB.
// Nothing for anything else, also for what does not fit into 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace onecopy::os
