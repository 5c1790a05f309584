#include "process/variables.hpp"

#include <cstdint>
#include <cstdlib>

#include <gtest/gtest.h>

namespace onecopy::process {
namespace {

TEST(Variables, AreTakenOnce) {
  ASSERT_EQ(setenv("ONECOPY_TEST_VARIABLE", "5:6", 1), 0);
  EXPECT_EQ(take_variable("ONECOPY_TEST_VARIABLE"), "5:6");
  EXPECT_EQ(take_variable("ONECOPY_TEST_VARIABLE"), std::nullopt);
}

TEST(Variables, AreNumbersBetweenColons) {
  int first = 0;
  std::uint32_t second = 0;
  EXPECT_TRUE(parse_numbers("5:4294967295", first, second));
  EXPECT_EQ(first, 5);
  EXPECT_EQ(second, 4294967295u);
  for (const char* other : {"", "5", "5:", ":6", "5:6:", "5:6:7", "5 :6", "-5:6", "5:4294967296"}) {
    EXPECT_FALSE(parse_numbers(other, first, second)) << other;
  }
}

}  // namespace
}  // namespace onecopy::process
