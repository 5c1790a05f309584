// A process dies after each instruction of making, taking and dropping a reference, and who takes
// back what it held dies too. What somebody still holds or refers to stays as it was, and in the
// end nothing is leaked.

#include <gtest/gtest.h>

#include <cstring>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/owner.hpp"
#include "memory/reference.hpp"
#include "memory/validate.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::kill_at_every_step;
using onecopy::testing::start_process;

constexpr std::size_t kBytes = 100;

class ReferenceKill : public ::testing::Test {
 protected:
  ReferenceKill() {
    EXPECT_TRUE(join_family());
    // Free and warm, so that each attempt finds the same.
    const SharedName name = make();
    release_block(make_reference(name).value());
    let_go_shared(name);
    before_ = take_census().in_use;
  }

  static SharedName make() { return make_shared_block(kBytes, Purpose::array).value(); }

  void make_mine() {
    mine_ = make();
    std::memset(block_data(mine_.block), 0x11, kBytes);
  }

  // A reference to a block that nobody holds otherwise, and that the next child is to have. (How a
  // channel hands blocks over has tests of its own.)
  void make_reference_for_child() {
    make_mine();
    reference_ = make_reference(mine_).value();
    let_go_shared(mine_);
  }
  void become_owner() const { set_owner(reference_, OwnerWord::held(self())); }

  void expect_mine_untouched() {
    reclaim_dead();
    EXPECT_EQ(validate_memory(), "");
    ASSERT_TRUE(hold_shared(mine_));
    const SharedName other = make();
    EXPECT_NE(other.block, mine_.block);
    for (std::size_t i = 0; i < kBytes; ++i) {
      ASSERT_EQ(block_data(mine_.block)[i], std::byte{0x11});
    }
    let_go_shared(other);
    let_go_shared(mine_);
  }

  void expect_no_leak() {
    EXPECT_EQ(reclaim_dead(), 0u) << "one look finds them all";
    EXPECT_EQ(validate_memory(), "");
    EXPECT_EQ(take_census().in_use, before_);
    EXPECT_EQ(take_census().shared, 0u);
  }

  void expect_all_freed() {
    reclaim_dead();
    expect_no_leak();
  }

  SharedName mine_;
  BlockIndex reference_ = kNoBlock;
  std::uint64_t before_ = 0;
};

TEST_F(ReferenceKill, WhoMakesOneAndHoldsNothingElse) {
  kill_at_every_step(
      {.name = "reference, make"}, [] {},
      [] {
        const SharedName name = make();
        static_cast<void>(make_reference(name));
        let_go_shared(name);
      },
      [this] { expect_all_freed(); });
}

TEST_F(ReferenceKill, WhoMakesAndDropsOneToAnothersBlock) {
  kill_at_every_step(
      {.name = "reference, make and drop"}, [this] { make_mine(); },
      [this] {
        release_block(make_reference(mine_).value());
        let_go_shared(mine_);
      },
      [this] {
        expect_mine_untouched();
        let_go_shared(mine_);
        expect_no_leak();
      });
}

TEST_F(ReferenceKill, WhoTakesTheOnlyHold) {
  kill_at_every_step(
      {.name = "reference, take"}, [this] { make_reference_for_child(); },
      [this] {
        become_owner();
        const SharedName name = take_reference(reference_).value();
        if (block_data(name.block)[kBytes - 1] != std::byte{0x11}) _exit(1);
        let_go_shared(name);
      },
      [this] {
        release_block(reference_);  // where the child died before it was its own
        expect_all_freed();
      });
}

TEST_F(ReferenceKill, WhoTakesOneOfTwo) {
  BlockIndex second = kNoBlock;
  kill_at_every_step(
      {.name = "reference, take one of two"},
      [&] {
        make_mine();
        reference_ = make_reference(mine_).value();
        second = make_reference(mine_).value();
        let_go_shared(mine_);
      },
      [this] {
        become_owner();
        let_go_shared(take_reference(reference_).value());
      },
      [&] {
        release_block(reference_);
        expect_mine_untouched();
        release_block(second);
        expect_no_leak();
      });
}

TEST_F(ReferenceKill, WhoDropsTheOnlyHold) {
  kill_at_every_step(
      {.name = "reference, drop"}, [this] { make_reference_for_child(); },
      [this] {
        become_owner();
        release_block(reference_);
      },
      [this] {
        release_block(reference_);
        expect_all_freed();
      });
}

TEST_F(ReferenceKill, WhoTakesBackWhatTheDeadHeld) {
  kill_at_every_step(
      {.name = "reference, reclaim"},
      [] {
        const pid_t dead = start_process([] {
          const SharedName name = make();
          static_cast<void>(make_reference(name));
          let_go_shared(name);
          static_cast<void>(make_reference(make()));
          raise(SIGKILL);
        });
        EXPECT_TRUE(os::wait_process(dead));
      },
      [] { reclaim_dead(); }, [this] { expect_all_freed(); });
}

}  // namespace
}  // namespace onecopy::memory
