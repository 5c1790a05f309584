#include "trace/trace.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "memory/family.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::trace {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::start_process;

TEST(Trace, NamesEachFigureOnce) {
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < kCounters; ++i) {
    const std::string name = name_of(static_cast<Counter>(i));
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_STREQ(name_of(Counter::messages_put), "messages_put");
  EXPECT_STREQ(name_of(Counter::pickled), "pickled");
}

TEST(Trace, IsNothingWithoutAFamily) {
  in_fresh_process([] {
    add(Counter::wakes, 1);
    const Span span(Counter::wait_time);
  });
}

TEST(Trace, AddsUpWhatThreadsDo) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int round = 0; round < 10'000; ++round) add(Counter::bytes_copied, 3);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(read(memory::self(), Counter::bytes_copied), 120'000u);
    EXPECT_EQ(read(memory::self(), Counter::bytes_moved), 0u);
  });
}

TEST(Trace, IsEachMembersOwnAndReadByAll) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    add(Counter::sleeps, 1);
    EXPECT_TRUE(ended_well(start_process([] {
      EXPECT_EQ(read(memory::self(), Counter::sleeps), 0u);
      add(Counter::sleeps, 5);
    })));
    EXPECT_EQ(read(memory::self(), Counter::sleeps), 1u);
    EXPECT_EQ(read(1, Counter::sleeps), 5u) << "until the slot is used again";
    memory::reclaim_dead();
    EXPECT_TRUE(ended_well(start_process([] {
      EXPECT_EQ(memory::self(), 1u);
      EXPECT_EQ(read(1, Counter::sleeps), 0u);
    })));
  });
}

// Who reads asks nobody whether the slot has become another member's.
TEST(Trace, MayBeReadWhileItsSlotIsUsedAgain) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    std::atomic<bool> reading{true};
    std::thread user([&] {
      // Relaxed: orders nothing, so that it hides nothing.
      while (reading.load(std::memory_order_relaxed)) {
        memory::release_place(memory::reserve_place().value());
      }
    });
    for (int i = 0; i < 10'000; ++i) EXPECT_EQ(read(1, Counter::sleeps), 0u);
    reading.store(false, std::memory_order_relaxed);
    user.join();
  });
}

TEST(Trace, MeasuresASpan) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    const os::Nanoseconds begin = os::now();
    {
      const Span span(Counter::copy_time);
      while (os::now() == begin) {
      }
    }
    const std::uint64_t measured = read(memory::self(), Counter::copy_time);
    EXPECT_GT(measured, 0u);
    EXPECT_LE(measured, static_cast<std::uint64_t>(os::now() - begin));
  });
}

}  // namespace
}  // namespace onecopy::trace
