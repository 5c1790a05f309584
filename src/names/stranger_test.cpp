// Names in a process that is in no family.
#include <gtest/gtest.h>

#include <onecopy/names.hpp>

#include "memory/family.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy {
namespace {

using onecopy::testing::in_fresh_process;

TEST(NamesOfAStranger, AreNone) {
  in_fresh_process([] {
    EXPECT_EQ(find<int>("name").error(), Error::invalid);
    EXPECT_EQ(find_for<int>("name", std::chrono::hours(1)).error(), Error::invalid);
    EXPECT_EQ(withdraw("name").error(), Error::not_found);
    EXPECT_TRUE(published_names().empty());
    EXPECT_FALSE(memory::in_family());
  });
}

TEST(NamesOfAStranger, MakeItAMemberWhenItPublishes) {
  in_fresh_process([] {
    EXPECT_TRUE(publish("name", 5));
    EXPECT_EQ(find<int>("name").value_or_throw(), 5);
  });
}

}  // namespace
}  // namespace onecopy
