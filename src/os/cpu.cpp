#include "os/cpu.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <limits>
#include <optional>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/cgroup.hpp"
#include "os/system.hpp"

namespace onecopy::os {

namespace {

constexpr std::size_t kWordBits = 64;
// Larger than any kernel is built for; on the stack.
constexpr std::size_t kMaxCpus = 65'536;
using CpuMask = std::array<std::uint64_t, kMaxCpus / kWordBits>;

// How many words of the mask the kernel filled in; 0 where it does not say. Process 0: the calling
// thread.
std::size_t read_mask(CpuMask& mask, int process = 0) noexcept {
  const long bytes = syscall(SYS_sched_getaffinity, process, sizeof mask, mask.data());
  return bytes <= 0 ? 0 : static_cast<std::size_t>(bytes) / sizeof mask[0];
}

double quota_of(const std::string& directory, int version) {
  constexpr double kNoLimit = std::numeric_limits<double>::infinity();
  std::optional<std::uint64_t> quota;
  std::optional<std::uint64_t> period;
  if (version == 2) {
    // "max 100000" or "150000 100000".
    const std::string text = read_small_file(directory + "/cpu.max").value_or("max");
    quota = leading_number(text);
    if (quota) period = leading_number(std::string_view(text).substr(text.find(' ') + 1));
  } else {
    quota = leading_number(read_small_file(directory + "/cpu.cfs_quota_us").value_or("-1"));
    period = leading_number(read_small_file(directory + "/cpu.cfs_period_us").value_or(""));
  }
  if (!quota || !period || *quota == 0 || *period == 0) return kNoLimit;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

}  // namespace

std::vector<int> usable_cpus() {
  CpuMask mask;
  const std::size_t words = read_mask(mask);
  std::vector<int> cpus;
  for (std::size_t word = 0; word < words; ++word) {
    for (std::uint64_t left = mask[word]; left != 0; left &= left - 1) {
      cpus.push_back(static_cast<int>(word * kWordBits) + std::countr_zero(left));
    }
  }
  return cpus;
}

int usable_cpu_count() noexcept {
  CpuMask mask;
  const std::size_t words = read_mask(mask);
  int count = 0;
  for (std::size_t word = 0; word < words; ++word) count += std::popcount(mask[word]);
  if (count > 0) return count;
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

bool may_run_elsewhere(int process) noexcept {
  CpuMask own;
  CpuMask other;
  const std::size_t words = std::min(read_mask(own), read_mask(other, process));
  for (std::size_t word = 0; word < words; ++word) {
    if ((other[word] & ~own[word]) != 0) return true;
  }
  return false;
}

Result<void> set_cpus(std::span<const int> cpus) {
  CpuMask mask{};
  for (const int cpu : cpus) {
    if (cpu < 0 || static_cast<std::size_t>(cpu) >= kMaxCpus) {
      return Failure{Error::invalid, EINVAL, "there is no such processor"};
    }
    const auto bit = static_cast<std::size_t>(cpu);
    mask[bit / kWordBits] |= std::uint64_t{1} << (bit % kWordBits);
  }
  if (syscall(SYS_sched_setaffinity, 0, sizeof mask, mask.data()) == 0) return {};
  return system_failure(errno, "cannot restrict the processors");
}

double cgroup_cpu_quota(const std::string& root) {
  double quota = std::numeric_limits<double>::infinity();
  for (const CgroupDirectory& directory : cgroup_directories("cpu", root)) {
    quota = std::min(quota, quota_of(root + directory.path, directory.version));
  }
  return quota;
}

void yield_thread() noexcept { sched_yield(); }

}  // namespace onecopy::os
