// Tests of what a whole process has once: its family, its limits, its environment. For tests only.
#pragma once

#include <utility>

#include <gtest/gtest.h>

#include "memory/family.hpp"
#include "testing/process.hpp"

namespace onecopy::testing {

// Runs `body` in a process that is in no family yet.
template <class Body>
void in_fresh_process(Body&& body) {
  ASSERT_FALSE(memory::in_family()) << "the whole file must use fresh processes only";
  EXPECT_TRUE(ended_well(start_process(std::forward<Body>(body)))) << "see above";
}

}  // namespace onecopy::testing
