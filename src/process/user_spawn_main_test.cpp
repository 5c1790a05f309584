// A program whose main() does not begin with run_spawned(), as that of this test.
#include <onecopy/spawn.hpp>

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <onecopy/family.hpp>
#include <onecopy/template.hpp>

#include "testing/fresh_process.hpp"

namespace onecopy {
namespace {

TEST(SpawnWithoutABeginning, IsRefused) {
  onecopy::testing::in_fresh_process([] {
    const auto refused = spawn([] {});
    EXPECT_EQ(refused.error(), Error::invalid);
    EXPECT_NE(refused.failure().text().find("run_spawned()"), std::string::npos);
    EXPECT_EQ(Template::start().error(), Error::invalid);
  });
}

// It was told that a queue was gone, which it had looked for in a family of its own.
TEST(SpawnWithoutABeginning, IsRefusedWhereSomethingWasMadeBefore) {
  onecopy::testing::in_fresh_process([] {
    ASSERT_TRUE(family::join());
    ::testing::internal::CaptureStderr();
    const pid_t child = onecopy::testing::start_process([] {
      setenv("ONECOPY_CALL", "0:1", 1);
      run_spawned();
    });
    EXPECT_FALSE(onecopy::testing::ended_well(child));
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("before main() called onecopy::run_spawned()"), std::string::npos) << told;
  });
}

}  // namespace
}  // namespace onecopy
