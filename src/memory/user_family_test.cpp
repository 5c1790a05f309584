#include <onecopy/family.hpp>

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>
#include <onecopy/event.hpp>
#include <onecopy/queue.hpp>
#include <onecopy/shared.hpp>

#include "testing/fresh_process.hpp"

namespace onecopy::family {
namespace {

using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;

const Member* find(const std::vector<Member>& members, int pid) {
  const auto found =
      std::ranges::find_if(members, [pid](const Member& each) { return each.pid == pid; });
  return found == members.end() ? nullptr : &*found;
}

TEST(Family, IsNoneAtFirst) {
  in_fresh_process([] {
    EXPECT_FALSE(joined());
    EXPECT_TRUE(members().empty());
    EXPECT_EQ(memory().limit, 0u);
    EXPECT_EQ(reclaim(), 0u);
    EXPECT_FALSE(joined()) << "asking makes none";
  });
}

TEST(Family, HasThisProcessAndItsChildren) {
  in_fresh_process([] {
    ASSERT_TRUE(join());
    ASSERT_TRUE(join()) << "again";
    EXPECT_TRUE(joined());
    Event ready;
    Event over;
    const pid_t child = start_process([&] {
      EXPECT_TRUE(joined());
      ready.set();
      over.wait();
    });
    ready.wait();

    const std::vector<Member> all = members();

    EXPECT_EQ(all.size(), 2u);
    ASSERT_NE(find(all, getpid()), nullptr);
    ASSERT_NE(find(all, child), nullptr);
    EXPECT_TRUE(find(all, child)->living);
    over.set();
    EXPECT_TRUE(onecopy::testing::ended_well(child));
  });
}

TEST(Family, TellsWhoHoldsHowMuch) {
  in_fresh_process([] {
    const Shared<char> shared(1'000'000);
    Queue<std::vector<double>> queue;
    const std::size_t before = memory().in_use;

    queue.put(std::vector<double>(100'000));

    EXPECT_GE(members().at(0).bytes, 1'000'000u);
    EXPECT_GE(memory().shared, 1'000'000u);
    EXPECT_GE(memory().queued, 800'000u);
    EXPECT_GE(memory().in_use, before + 800'000u);
    EXPECT_GT(memory().limit, memory().resident);
    EXPECT_NE(memory().limit_name, "");
  });
}

TEST(Family, TakesBackWhatTheDeadHeld) {
  in_fresh_process([] {
    Event held;
    const pid_t child = start_process([&] {
      const Shared<char> own(1'000'000);
      held.set();
      pause();
    });
    held.wait();
    kill_process(child);
    EXPECT_GE(memory().shared, 1'000'000u);

    EXPECT_EQ(reclaim(), 1u);

    EXPECT_LT(memory().shared, 1'000'000u);
    EXPECT_EQ(find(members(), child), nullptr);
  });
}

}  // namespace
}  // namespace onecopy::family
