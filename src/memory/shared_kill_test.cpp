// A process dies after each instruction of making, holding and letting go of a shared block, and
// who takes back what it held dies too. Others that hold the block go on seeing what is in it, and
// in the end nothing is leaked.

#include <gtest/gtest.h>

#include <cstring>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/shared.hpp"
#include "memory/validate.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::kill_at_every_step;
using onecopy::testing::start_process;

constexpr std::size_t kBytes = 100;

class SharedKill : public ::testing::Test {
 protected:
  SharedKill() {
    EXPECT_TRUE(join_family());
    // One free and warm, so that each attempt finds the same.
    let_go_shared(make());
    before_ = take_census().in_use;
  }

  static SharedName make() { return make_shared_block(kBytes, Purpose::data).value(); }

  void make_mine() {
    mine_ = make();
    std::memset(block_data(mine_.block), 0x11, kBytes);
  }

  void expect_mine_untouched_and_no_leak() {
    reclaim_dead();
    EXPECT_EQ(validate_memory(), "");
    ASSERT_TRUE(hold_shared(mine_));
    let_go_shared(mine_);
    const SharedName other = make();
    EXPECT_NE(other.block, mine_.block);
    for (std::size_t i = 0; i < kBytes; ++i) {
      ASSERT_EQ(block_data(mine_.block)[i], std::byte{0x11});
    }
    let_go_shared(other);
    let_go_shared(mine_);
    expect_no_leak();
  }

  void expect_no_leak() {
    EXPECT_EQ(reclaim_dead(), 0u) << "one look finds them all";
    EXPECT_EQ(validate_memory(), "");
    EXPECT_EQ(take_census().in_use, before_);
    EXPECT_EQ(take_census().shared, 0u);
  }

  SharedName mine_;
  std::uint64_t before_ = 0;
};

TEST_F(SharedKill, WhoMakesOne) {
  kill_at_every_step(
      {.name = "shared, make"}, [] {}, [] { make(); },
      [this] {
        reclaim_dead();
        expect_no_leak();
      });
}

TEST_F(SharedKill, WhoHoldsAndLetsGoOfAnothersBlock) {
  kill_at_every_step(
      {.name = "shared, hold and let go"}, [this] { make_mine(); },
      [this] {
        static_cast<void>(hold_shared(mine_));
        let_go_shared(mine_);
        let_go_shared(mine_);
      },
      [this] { expect_mine_untouched_and_no_leak(); });
}

TEST_F(SharedKill, TheLastHolder) {
  kill_at_every_step(
      {.name = "shared, last to let go"}, [] {}, [] { let_go_shared(make()); },
      [this] {
        reclaim_dead();
        expect_no_leak();
      });
}

TEST_F(SharedKill, WhoTakesBackWhatTheDeadHeld) {
  kill_at_every_step(
      {.name = "shared, reclaim"},
      [this] {
        make_mine();
        const pid_t dead = start_process([] {
          make();
          raise(SIGKILL);
        });
        EXPECT_TRUE(os::wait_process(dead));
      },
      [] { reclaim_dead(); }, [this] { expect_mine_untouched_and_no_leak(); });
}

}  // namespace
}  // namespace onecopy::memory
