#include "os/cgroup.hpp"

#include <gtest/gtest.h>

#include "os/testing_files.hpp"

namespace onecopy::os {
namespace {

using testing::FakeRoot;

std::vector<std::string> paths(const FakeRoot& root, std::string_view controller) {
  std::vector<std::string> paths;
  for (const auto& directory : cgroup_directories(controller, root.path())) {
    paths.push_back(std::to_string(directory.version) + " " + directory.path);
  }
  return paths;
}

using Paths = std::vector<std::string>;

TEST(CgroupDirectories, OfVersionTwoGoUpToTheMountPoint) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "0::/user.slice/session 1.scope\n");
  root.write("/proc/self/mountinfo",
             "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
             "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  EXPECT_EQ(paths(root, "memory"), (Paths{"2 /sys/fs/cgroup/user.slice/session 1.scope",
                                          "2 /sys/fs/cgroup/user.slice", "2 /sys/fs/cgroup"}));
}

TEST(CgroupDirectories, OfVersionOneBelongToTheirController) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "9:memory:/a/b\n3:cpu,cpuacct:/c\n1:name=systemd:/d\n");
  root.write("/proc/self/mountinfo",
             "31 30 0:27 / /sys/fs/cgroup/memory rw shared:5 - cgroup cgroup rw,memory\n"
             "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  EXPECT_EQ(paths(root, "memory"), (Paths{"1 /sys/fs/cgroup/memory/a/b",
                                          "1 /sys/fs/cgroup/memory/a", "1 /sys/fs/cgroup/memory"}));
  EXPECT_EQ(paths(root, "cpu"),
            (Paths{"1 /sys/fs/cgroup/cpu,cpuacct/c", "1 /sys/fs/cgroup/cpu,cpuacct"}));
  EXPECT_EQ(paths(root, "cpuset"), Paths{});
}

TEST(CgroupDirectories, OfBothVersionsAreListed) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "4:memory:/a\n0::/b\n");
  root.write("/proc/self/mountinfo",
             "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
             "32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(paths(root, "memory"),
            (Paths{"1 /sys/fs/cgroup/memory/a", "1 /sys/fs/cgroup/memory",
                   "2 /sys/fs/cgroup/unified/b", "2 /sys/fs/cgroup/unified"}));
}

TEST(CgroupDirectories, InAContainerThatSeesItsOwnGroupOnly) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "4:memory:/docker/abc/inner\n");
  root.write("/proc/self/mountinfo",
             "31 30 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  EXPECT_EQ(paths(root, "memory"),
            (Paths{"1 /sys/fs/cgroup/memory/inner", "1 /sys/fs/cgroup/memory"}));
}

TEST(CgroupDirectories, OfAGroupThatCannotBeSeenAreTheMountPoint) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "0::/../../elsewhere\n");
  root.write("/proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(paths(root, "memory"), Paths{"2 /sys/fs/cgroup"});

  root.write("/proc/self/cgroup", "0::/docker/abcdef\n");
  root.write("/proc/self/mountinfo",
             "30 20 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(paths(root, "memory"), Paths{"2 /sys/fs/cgroup"});
}

TEST(CgroupDirectories, PreferTheMountThatShowsMost) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "0::/a/b\n");
  root.write("/proc/self/mountinfo",
             "30 20 0:26 /x /first rw - cgroup2 cgroup2 rw\n"
             "31 20 0:26 /a /second rw - cgroup2 cgroup2 rw\n"
             "32 20 0:26 / /third rw - cgroup2 cgroup2 rw\n"
             "33 20 0:26 /a/b /fourth rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(paths(root, "memory"), (Paths{"2 /third/a/b", "2 /third/a", "2 /third"}));
}

TEST(CgroupDirectories, UnderstandEscapedMountPoints) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "0::/\n");
  root.write("/proc/self/mountinfo", "30 20 0:26 / /my\\040groups\\134x rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(paths(root, "memory"), Paths{"2 /my groups\\x"});
}

TEST(CgroupDirectories, AreNoneWhereNothingCanBeRead) {
  FakeRoot root;
  EXPECT_EQ(paths(root, "memory"), Paths{});
  root.write("/proc/self/cgroup", "garbage\n0:\n\n");
  root.write("/proc/self/mountinfo", "more garbage - - -\n- cgroup2\n");
  EXPECT_EQ(paths(root, "memory"), Paths{});
}

TEST(ReadSmallFile, ReadsAllOrNothing) {
  FakeRoot root;
  EXPECT_FALSE(read_small_file(root.path() + "/missing"));
  EXPECT_FALSE(read_small_file(root.path()));
  root.write("/file", std::string(10'000, 'x'));
  EXPECT_EQ(read_small_file(root.path() + "/file"), std::string(10'000, 'x'));
}

TEST(NumberAfter, FindsWholeKeysAtTheStartOfALine) {
  constexpr std::string_view kText = "total_inactive_file 7\ninactive_file 42\nMemFree:   9 kB\n";
  EXPECT_EQ(number_after(kText, "inactive_file"), 42u);
  EXPECT_EQ(number_after(kText, "MemFree"), 9u);
  EXPECT_FALSE(number_after(kText, "inactive"));
  EXPECT_FALSE(number_after(kText, "missing"));
  EXPECT_FALSE(number_after("key", "key"));
  EXPECT_FALSE(number_after("key ", "key"));
}

TEST(LeadingNumber, StopsWhereTheDigitsEnd) {
  EXPECT_EQ(leading_number("123\n"), 123u);
  EXPECT_EQ(leading_number("18446744073709551615"), 18446744073709551615u);
  EXPECT_FALSE(leading_number("18446744073709551616"));
  EXPECT_FALSE(leading_number("max\n"));
  EXPECT_FALSE(leading_number("-1\n"));
  EXPECT_FALSE(leading_number(""));
}

}  // namespace
}  // namespace onecopy::os
