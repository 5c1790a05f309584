#include "os/wait_set.hpp"

#include <gtest/gtest.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

bool is_readable(const WaitSet& set) {
  return poll_one(set.get(), true, false, Deadline::at(0)).readable;
}

TEST(WaitSet, IsReadableWhileOneOfItsDescriptorsIs) {
  WaitSet set = WaitSet::create().value();
  EXPECT_FALSE(is_readable(set));
  auto [here, there] = stream_pair().value();
  const Descriptor event = event_descriptor().value();
  ASSERT_TRUE(set.add(here.get()));
  ASSERT_TRUE(set.add(event.get()));
  EXPECT_FALSE(is_readable(set));
  ASSERT_TRUE(write_some(there.get(), "x", 1));
  EXPECT_TRUE(is_readable(set));
  char byte;
  ASSERT_TRUE(read_some(here.get(), &byte, 1));
  EXPECT_FALSE(is_readable(set));
  there.reset();
  EXPECT_TRUE(is_readable(set)) << "the other end is gone";
}

TEST(WaitSet, ForgetsWhatIsTakenOut) {
  WaitSet set = WaitSet::create().value();
  auto [here, there] = stream_pair().value();
  ASSERT_TRUE(set.add(here.get()));
  ASSERT_TRUE(write_some(there.get(), "x", 1));
  const Descriptor copy = duplicate(here.get()).value();
  set.remove(here.get());
  here.reset();
  EXPECT_FALSE(is_readable(set)) << "though the file is open still";
}

TEST(WaitSet, RefusesWhatIsNoDescriptor) {
  WaitSet set = WaitSet::create().value();
  EXPECT_FALSE(set.add(-1));
}

}  // namespace
}  // namespace onecopy::os
