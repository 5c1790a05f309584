// Kills a process after each instruction of an operation, one after the other, and looks each time
// at what the survivors find. For tests only.
//
// The operation runs once instruction by instruction, under PTRACE_SINGLESTEP, and then again for
// each k in a new forked child, to where instruction k left off, and is killed there by SIGKILL:
// for every k with ONECOPY_TEST_LONG=1, else for a sample drawn from ONECOPY_TEST_SEED, one k of
// each stretch of equal length. What was tried is counted and printed; trying nothing is a failure.
#pragma once

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "testing/seed.hpp"
#include "testing/stepped_process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::testing {

// Which of instructions 1 to `last` to die after: all of them, or about `sample`.
inline std::vector<long> kill_points(const char* name, long last, long sample) {
  std::vector<long> points;
  if (wants_everything() || last <= sample) {
    for (long k = 1; k <= last; ++k) points.push_back(k);
    return points;
  }
  auto random = random_for(name);
  for (long i = 0; i < sample; ++i) {
    const long from = last * i / sample + 1;
    const long to = last * (i + 1) / sample;
    points.push_back(std::uniform_int_distribution<long>(from, to)(random));
  }
  return points;
}

// A place in an operation: after instruction `number`, which is before the one at `address` for the
// `time`th time.
struct KillPoint {
  long number;
  SteppedProcess::Address address;
  long time;
};

inline KillPoint kill_point(const std::vector<SteppedProcess::Address>& trace, long number) {
  const auto end = trace.begin() + number;
  return {number, end[-1], std::count(trace.begin(), end, end[-1])};
}

// What the survivors do first: clear up after the dead, or just go on (and meet its locks).
enum class Survivors { reclaim, go_on };

struct KillTest {
  const char* name;
  long sample = 150;       // how many points to try when not all
  unsigned seconds = 100;  // of the watchdog
};

// `prepare()` runs here before each attempt, `operation()` in the child, `check()` here once the
// child is dead: of each second attempt while it is still a zombie. The first attempt ends well and
// warms everything up, the next two go to the end and show the way (the shorter one: what is done
// now and then is left out); where a later child goes another one (it met a lock, another block
// came first in a list), it dies at its end as well.
template <class Prepare, class Operation, class Check>
void kill_at_every_step(const KillTest& test, Prepare&& prepare, Operation&& operation,
                        Check&& check) {
  const Watchdog watchdog(test.name, wants_everything() ? 60 * test.seconds : test.seconds);
  prepare();
  EXPECT_TRUE(ended_well(start_process(operation)));
  check();
  std::vector<SteppedProcess::Address> trace;
  for (int i = 0; i < 2; ++i) {
    SCOPED_TRACE(std::string(test.name) + ": killed at its end");
    prepare();
    SteppedProcess child(operation);
    auto shown = child.trace();
    child.kill_now();
    check();
    if (trace.empty() || shown.size() < trace.size()) trace = std::move(shown);
  }
  ASSERT_FALSE(trace.empty()) << "nothing to step through";
  long tried = 0;
  long arrived = 0;
  for (const long number : kill_points(test.name, static_cast<long>(trace.size()), test.sample)) {
    if (::testing::Test::HasFailure()) break;
    const KillPoint point = kill_point(trace, number);
    prepare();
    SteppedProcess child(operation);
    if (child.run_to(point.address, point.time)) ++arrived;
    SCOPED_TRACE(std::string(test.name) + ": killed after instruction " + std::to_string(number) +
                 " before " + child.place());
    child.kill_now();
    if (number % 2 == 0) child.collect();
    check();
    ++tried;
  }
  std::printf("%s: killed at %ld points of %zu instructions, at %ld of them on the way\n",
              test.name, tried, trace.size(), arrived);
  EXPECT_GT(tried, 0);
  EXPECT_GT(2 * arrived, tried) << "the children go their own ways";
}

}  // namespace onecopy::testing
