#include "os/limits.hpp"

#include <limits>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "os/testing.hpp"
#include "os/testing_files.hpp"

namespace onecopy::os {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMiB = 1024 * 1024;

class MemoryAvailable : public ::testing::Test {
 protected:
  void SetUp() override {
    root.write("/proc/meminfo",
               "MemTotal:       16000000 kB\nMemFree:          100000 kB\n"
               "MemAvailable:    8000000 kB\n");
  }

  void use_version_two() {
    root.write("/proc/self/cgroup", "0::/outer/inner\n");
    root.write("/proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  }

  void set_group(const std::string& group, const std::string& limit, std::uint64_t usage,
                 std::uint64_t inactive_file) {
    root.write(group + "/memory.max", limit + "\n");
    root.write(group + "/memory.current", std::to_string(usage) + "\n");
    root.write(group + "/memory.stat",
               "anon 1\ninactive_file " + std::to_string(inactive_file) + "\n");
  }

  testing::FakeRoot root;
};

TEST_F(MemoryAvailable, IsWhatTheMachineHasWithoutGroups) {
  const MemoryLimit limit = memory_available(root.path());
  EXPECT_EQ(limit.bytes, std::uint64_t{8'000'000} * 1024);
  EXPECT_EQ(limit.name, "free memory (MemAvailable)");
}

TEST_F(MemoryAvailable, IsTheLimitLessTheUseOfTheTightestGroup) {
  use_version_two();
  set_group("/sys/fs/cgroup/outer/inner", "max", 300 * kMiB, 0);
  set_group("/sys/fs/cgroup/outer", std::to_string(1024 * kMiB), 600 * kMiB, 0);
  const MemoryLimit limit = memory_available(root.path());
  EXPECT_EQ(limit.bytes, 424 * kMiB);
  EXPECT_EQ(limit.name, "memory.max of /sys/fs/cgroup/outer");
}

TEST_F(MemoryAvailable, CountsCacheThatWouldBeDroppedAsFree) {
  use_version_two();
  set_group("/sys/fs/cgroup/outer/inner", std::to_string(1024 * kMiB), 1000 * kMiB, 700 * kMiB);
  EXPECT_EQ(memory_available(root.path()).bytes, 724 * kMiB);
}

TEST_F(MemoryAvailable, IsNothingWhereAGroupIsAboveItsLimit) {
  use_version_two();
  set_group("/sys/fs/cgroup/outer/inner", std::to_string(100 * kMiB), 300 * kMiB, 0);
  const MemoryLimit limit = memory_available(root.path());
  EXPECT_EQ(limit.bytes, 0u);
  EXPECT_EQ(limit.name, "memory.max of /sys/fs/cgroup/outer/inner");
}

TEST_F(MemoryAvailable, ReadsVersionOne) {
  root.write("/proc/self/cgroup", "9:memory:/jobs\n");
  root.write("/proc/self/mountinfo",
             "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  root.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root.write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "4096\n");
  const std::string group = "/sys/fs/cgroup/memory/jobs";
  root.write(group + "/memory.limit_in_bytes", std::to_string(512 * kMiB) + "\n");
  root.write(group + "/memory.usage_in_bytes", std::to_string(500 * kMiB) + "\n");
  root.write(group + "/memory.stat",
             "inactive_file 1\ntotal_inactive_file " + std::to_string(88 * kMiB) + "\n");
  const MemoryLimit limit = memory_available(root.path());
  EXPECT_EQ(limit.bytes, 100 * kMiB);
  EXPECT_EQ(limit.name, "memory.limit_in_bytes of /sys/fs/cgroup/memory/jobs");
}

TEST_F(MemoryAvailable, PassesOverGroupsThatDoNotSay) {
  use_version_two();
  root.write("/sys/fs/cgroup/outer/memory.max", "1000\n");
  EXPECT_EQ(memory_available(root.path()).name, "free memory (MemAvailable)");
}

TEST_F(MemoryAvailable, AsksTheKernelWhereThereIsNoProc) {
  testing::FakeRoot empty;
  const MemoryLimit limit = memory_available(empty.path());
  EXPECT_GT(limit.bytes, 0u);
  EXPECT_EQ(limit.name, "free memory (sysinfo)");
}

TEST_F(MemoryAvailable, OnThisMachineIsSomethingWithAName) {
  const MemoryLimit limit = memory_available();
  EXPECT_GT(limit.bytes, 0u);
  EXPECT_FALSE(limit.name.empty());
}

TEST(ProcessLimits, AreThoseOfTheShell) {
  const auto status = testing::run_in_child([] {
    for (const auto& [resource, limit] :
         {std::pair(RLIMIT_AS, &address_space_limit), std::pair(RLIMIT_FSIZE, &file_size_limit)}) {
      rlimit present;
      getrlimit(resource, &present);
      if (present.rlim_cur == RLIM_INFINITY && limit() != kUnlimited) return 1;
      const rlimit lower{rlim_t{1} << 40, present.rlim_max};
      if (setrlimit(resource, &lower) != 0 || limit() != std::uint64_t{1} << 40) return 2;
    }
    return 0;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(ParseSize, CountsIn1024s) {
  EXPECT_EQ(parse_size("1000000"), 1'000'000u);
  EXPECT_EQ(parse_size("512M"), 512 * kMiB);
  EXPECT_EQ(parse_size("4GiB"), 4096 * kMiB);
  EXPECT_EQ(parse_size("4gb"), 4096 * kMiB);
  EXPECT_EQ(parse_size("3k"), 3'072u);
  EXPECT_EQ(parse_size("2T"), 2 * 1024 * 1024 * kMiB);
  EXPECT_EQ(parse_size("7B"), 7u);
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("18446744073709551615"), kUnlimited);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text :
       {"", "M", "-1", "+1", "1.5G", "1 G", " 1", "1 ", "12X", "1GG", "1Gi", "1BB", "0x10",
        "18446744073709551616", "18014398509481984K", "16777216T", "lots"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

}  // namespace
}  // namespace onecopy::os
