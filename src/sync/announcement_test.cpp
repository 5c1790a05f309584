// Every case in a process and a family of its own.
#include "sync/announcement.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "memory/family.hpp"
#include "memory/layout.hpp"
#include "os/testing.hpp"
#include "sync/lock.hpp"
#include "testing/fresh_process.hpp"
#include "testing/process.hpp"

namespace onecopy::sync {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using os::testing::Shared;

TEST(Announcements, BelongToAThreadAndAProcess) {
  in_fresh_process([] {
    EXPECT_EQ(own_announcement(), nullptr) << "no member yet";
    ASSERT_TRUE(memory::join_family());
    Announcement* const own = own_announcement();
    EXPECT_EQ(own_announcement(), own);
    std::thread([own] { EXPECT_NE(own_announcement(), own); }).join();
    const pid_t child = start_process([own] { EXPECT_NE(own_announcement(), own); });
    EXPECT_TRUE(ended_well(child));
  });
}

TEST(Announcements, AreUsedAgainWhenTheirThreadOrProcessEnds) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    Announcement* first = nullptr;
    std::thread([&] { first = own_announcement(); }).join();
    std::thread([&] { EXPECT_EQ(own_announcement(), first); }).join();
    Shared<std::atomic<bool>> has_one;
    const pid_t child = start_process([&] {
      EXPECT_EQ(own_announcement(), first);
      *has_one = true;
      pause();
    });
    while (!*has_one) {
    }
    kill_process(child);
    EXPECT_GE(memory::reclaim_dead(), 1u);
    std::thread([&] { EXPECT_EQ(own_announcement(), first); }).join();
  });
}

TEST(Announcements, ThatAreAllTakenLeaveTheLock) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    const Lock lock = Lock::create().value();
    lock.open_gate();
    std::atomic<bool> over = false;
    std::atomic<std::uint32_t> have_one = 0;
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < memory::kMaxAnnouncements; ++i) {
      threads.emplace_back([&] {
        EXPECT_NE(own_announcement(), nullptr);
        ++have_one;
        over.wait(false);
      });
    }
    while (have_one != memory::kMaxAnnouncements) std::this_thread::yield();
    EXPECT_EQ(lock.begin_touch(), nullptr);
    over = true;
    over.notify_all();
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(lock.begin_touch(), nullptr);
  });
}

}  // namespace
}  // namespace onecopy::sync
