#include "os/cpu.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <set>
#include <span>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>

#include "os/testing.hpp"
#include "os/testing_files.hpp"

namespace onecopy::os {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

TEST(UsableCpus, AreAscendingAndCounted) {
  const auto cpus = usable_cpus();
  ASSERT_FALSE(cpus.empty());
  EXPECT_TRUE(std::is_sorted(cpus.begin(), cpus.end()));
  EXPECT_EQ(std::set<int>(cpus.begin(), cpus.end()).size(), cpus.size());
  EXPECT_EQ(usable_cpu_count(), static_cast<int>(cpus.size()));
}

TEST(UsableCpus, AgreeWithTheCLibrary) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  for (const int cpu : usable_cpus()) EXPECT_TRUE(CPU_ISSET(cpu, &set)) << cpu;
  EXPECT_EQ(CPU_COUNT(&set), usable_cpu_count());
}

TEST(SetCpus, RestrictsThisProcessAndWhatItStarts) {
  const auto status = testing::run_in_child([] {
    const std::array last{usable_cpus().back()};
    if (!set_cpus(last)) return 1;
    if (usable_cpu_count() != 1 || usable_cpus() != std::vector<int>{last[0]}) return 2;
    return testing::run_in_child([&] { return usable_cpus().at(0) == last[0] ? 0 : 1; })
        .as_exit_code();
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(MayRunElsewhere, ComparesWithTheCallingThread) {
  const auto cpus = usable_cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "there is one processor only";
  const int parent = process_id();
  EXPECT_FALSE(may_run_elsewhere(parent));
  const auto status = testing::run_in_child([&] {
    if (may_run_elsewhere(parent)) return 1;
    if (!set_cpus(std::span(cpus).last(1))) return 2;
    if (!may_run_elsewhere(parent)) return 3;
    return may_run_elsewhere(process_id()) ? 4 : 0;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(MayRunElsewhere, IsFalseOfWhoIsGone) { EXPECT_FALSE(may_run_elsewhere(1 << 30)); }

TEST(SetCpus, RefusesWhatDoesNotExist) {
  const auto before = usable_cpus();
  EXPECT_EQ(set_cpus({}).error(), Error::invalid);
  EXPECT_EQ(set_cpus(std::array{-1}).error(), Error::invalid);
  EXPECT_EQ(set_cpus(std::array{65'535}).error(), Error::invalid);
  EXPECT_EQ(set_cpus(std::array{1 << 30}).error(), Error::invalid);
  EXPECT_EQ(usable_cpus(), before);
}

TEST(UsableCpuCount, IsAtLeastOneWhereTheKernelWillNotSay) {
  const auto status = testing::run_in_child([] {
    if (!testing::deny_system_calls({SYS_sched_getaffinity}, EPERM)) return 100;
    return usable_cpu_count() >= 1 && usable_cpus().empty() ? 0 : 1;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(CgroupCpuQuota, IsTheSmallestOfTheGroupsAbove) {
  testing::FakeRoot root;
  root.write("/proc/self/cgroup", "0::/outer/inner\n");
  root.write("/proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  root.write("/sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  root.write("/sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path()), 1.5);

  root.write("/sys/fs/cgroup/outer/inner/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path()), 0.5);
}

TEST(CgroupCpuQuota, IsReadFromVersionOne) {
  testing::FakeRoot root;
  root.write("/proc/self/cgroup", "4:cpu,cpuacct:/jobs/one\n1:name=systemd:/\n");
  root.write("/proc/self/mountinfo",
             "30 20 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  const std::string group = "/sys/fs/cgroup/cpu,cpuacct/jobs/one";
  root.write(group + "/cpu.cfs_quota_us", "-1\n");
  root.write(group + "/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root.path()), kNoLimit);

  root.write(group + "/cpu.cfs_quota_us", "400000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path()), 4.0);
}

TEST(CgroupCpuQuota, IsInfiniteWithoutGroups) {
  testing::FakeRoot root;
  EXPECT_EQ(cgroup_cpu_quota(root.path()), kNoLimit);
  root.write("/proc/self/cgroup", "0::/\n");
  root.write("/proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(cgroup_cpu_quota(root.path()), kNoLimit);
  root.write("/sys/fs/cgroup/cpu.max", "nonsense\n");
  EXPECT_EQ(cgroup_cpu_quota(root.path()), kNoLimit);
}

TEST(CgroupCpuQuota, OfThisMachineIsPositive) { EXPECT_GT(cgroup_cpu_quota(), 0.0); }

}  // namespace
}  // namespace onecopy::os
