#include "os/memory_kills.hpp"

#include <gtest/gtest.h>

#include "os/testing_files.hpp"

namespace onecopy::os {
namespace {

class MemoryKillCount : public ::testing::Test {
 protected:
  void use_version_two() {
    root.write("/proc/self/cgroup", "0::/outer/inner\n");
    root.write("/proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  }

  testing::FakeRoot root;
};

TEST_F(MemoryKillCount, IsThatOfOurGroup) {
  use_version_two();
  root.write("/sys/fs/cgroup/outer/inner/memory.events",
             "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 1\n");
  root.write("/sys/fs/cgroup/outer/memory.events", "oom 5\noom_kill 5\n");
  root.write("/proc/vmstat", "nr_free_pages 1\noom_kill 7\n");
  EXPECT_EQ(memory_kill_count(root.path()), 3u);
}

TEST_F(MemoryKillCount, IsThatOfTheGroupAboveWhereOursDoesNotSay) {
  use_version_two();
  root.write("/sys/fs/cgroup/outer/memory.events", "oom 5\noom_kill 5\n");
  EXPECT_EQ(memory_kill_count(root.path()), 5u);
}

TEST_F(MemoryKillCount, ReadsVersionOne) {
  root.write("/proc/self/cgroup", "9:memory:/jobs\n0::/\n");
  root.write("/proc/self/mountinfo",
             "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  root.write("/sys/fs/cgroup/memory/jobs/memory.oom_control",
             "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  EXPECT_EQ(memory_kill_count(root.path()), 2u);
}

TEST_F(MemoryKillCount, IsThatOfTheMachineWithoutGroups) {
  root.write("/proc/vmstat", "nr_free_pages 1\noom_kill 7\n");
  EXPECT_EQ(memory_kill_count(root.path()), 7u);
}

TEST_F(MemoryKillCount, IsNothingWhereNothingSays) {
  EXPECT_EQ(memory_kill_count(root.path()), 0u);
}

}  // namespace
}  // namespace onecopy::os
