#include "os/own_descriptors.hpp"

#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;

bool is_open(int fd) { return identify(fd).has_value(); }

int make_own() {
  const NoFork no_fork;
  Descriptor made = event_descriptor().value();
  EXPECT_TRUE(no_fork.note(made.get()));
  return made.release();
}

TEST(OwnDescriptors, AreClosedInAForkedChild) {
  const int own = make_own();
  const Descriptor other = event_descriptor().value();
  Child child([&] { return is_open(own) ? 1 : is_open(other.get()) ? 0 : 2; });
  EXPECT_EQ(child.collect().code, 0);
  EXPECT_TRUE(is_open(own));
  EXPECT_TRUE(is_own(own));
  close_own(own);
  EXPECT_FALSE(is_open(own));
  EXPECT_FALSE(is_own(own));
}

TEST(OwnDescriptors, AreNotTakenForOthersOfTheirNumber) {
  const int own = make_own();
  Descriptor(own).reset();  // the program, behind our back
  auto [other, there] = stream_pair().value();
  ASSERT_EQ(other.get(), own) << "the lowest number that is free";
  Child child([number = own] { return is_open(number) ? 0 : 1; });
  EXPECT_EQ(child.collect().code, 0);
  EXPECT_FALSE(is_own(own));
  close_own(own);
  EXPECT_TRUE(is_open(other.get()));
}

TEST(OwnDescriptors, ThatWereNeverNotedAreLeftAlone) {
  const Descriptor other = event_descriptor().value();
  close_own(other.get());
  EXPECT_TRUE(is_open(other.get()));
}

TEST(OwnDescriptors, ThatAreHandedOnAreKeptByWhatThisThreadForks) {
  const int handed_on = make_own();
  const int other = make_own();
  const int descriptors[] = {handed_on};
  const HandOn hand_on(descriptors);
  Child child([&] { return is_open(handed_on) && !is_open(other) ? 0 : 1; });
  EXPECT_EQ(child.collect().code, 0);
  std::thread([&] {
    Child forked_elsewhere([&] { return is_open(handed_on) ? 1 : 0; });
    EXPECT_EQ(forked_elsewhere.collect().code, 0);
  }).join();
  close_own(handed_on);
  close_own(other);
}

TEST(OwnDescriptors, OfAPairGoWithTheirOwner) {
  auto pair = std::make_optional(own_stream_pair().value());
  const int first = pair->first.get();
  const int second = pair->second.get();
  Child child([&] {
    if (is_open(first) || is_open(second)) return 1;
    // Files of its own get the numbers: they are not the owner's to close.
    const auto other = stream_pair().value();
    pair.reset();
    return is_open(other.first.get()) && is_open(other.second.get()) ? 0 : 2;
  });
  EXPECT_EQ(child.collect().code, 0);
  OwnDescriptor kept = std::move(pair->first);
  pair.reset();
  EXPECT_TRUE(is_open(first));
  EXPECT_FALSE(is_open(second));
  kept.reset();
  EXPECT_FALSE(is_open(first));
  EXPECT_FALSE(kept);
}

}  // namespace
}  // namespace onecopy::os
