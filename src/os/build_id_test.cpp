#include "os/build_id.hpp"

#include <cstdio>

#include <gtest/gtest.h>

namespace onecopy::os {
namespace {

int here() { return 0; }

TEST(BuildId, IsThatOfWhatHasTheAddress) {
  const std::string engine = build_id_around(reinterpret_cast<const void*>(&build_id_around));
  EXPECT_EQ(engine.size(), 12u) << "the engine is always linked with one";
  EXPECT_EQ(engine.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(build_id_around(reinterpret_cast<const void*>(&here)), engine);
}

TEST(BuildId, IsNoneOfWhatNothingLoadedHas) {
  const int on_the_stack = 0;
  EXPECT_EQ(build_id_around(&on_the_stack), "");
}

}  // namespace
}  // namespace onecopy::os
