#include "os/proc_path.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace onecopy::os {
namespace {

TEST(ProcPath, NamesAFileOfAProcess) {
  EXPECT_STREQ(ProcPath(1, "stat").text(), "/proc/1/stat");
  EXPECT_STREQ(ProcPath(std::numeric_limits<pid_t>::max(), "maps").text(), "/proc/2147483647/maps");
}

TEST(ProcPath, NamesWhatADescriptorStandsFor) {
  EXPECT_STREQ(ProcPath::of_descriptor(7).text(), "/proc/thread-self/fd/7");
  EXPECT_STREQ(ProcPath::of_descriptor(-2147483647).text(), "/proc/thread-self/fd/-2147483647");
}

}  // namespace
}  // namespace onecopy::os
