// Deaths around a fork. A process looks into blocks and forks, which freezes them; it dies after
// each instruction of that, or its child does after each instruction of coming to life. The other
// side must go on seeing its own values, and in the end nothing is leaked: no block, no place.

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/prctl.h>

#include <atomic>
#include <cstring>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::kill_point;
using onecopy::testing::kill_points;
using onecopy::testing::start_process;
using onecopy::testing::SteppedProcess;
using onecopy::testing::Watchdog;
using os::testing::Shared;

constexpr std::size_t kBytes = 3 * 4096;

// A block of this process with one value all over, and a view of it.
struct Array {
  BlockIndex block;
  int value;

  static Array make(int value) {
    const Array array{allocate_block(kBytes).value(), value};
    retain_view(array.block);
    array.fill();
    return array;
  }
  void fill() const { std::memset(block_data(block), value, kBytes); }
  bool is_intact() const {
    static std::byte expected[kBytes];
    std::memset(expected, value, kBytes);
    return std::memcmp(block_data(block), expected, kBytes) == 0;
  }
};

// How far the processes are, in memory that they share with the test.
struct Stage {
  std::atomic<pid_t> child;      // set by the child once it runs
  std::atomic<bool> look_again;  // tells the processes to look at their arrays once more
  std::atomic<bool> finish;      // and to end
  std::atomic<int> looks;
  std::atomic<int> wrong;
};

class ForkKill : public ::testing::Test {
 protected:
  ForkKill() {
    EXPECT_TRUE(join_family());
    before_ = take_census().in_use;
    // So that a child whose parent is killed becomes ours, and we know when it has ended.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~ForkKill() override { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  void reset_stage() { new (stage_.get()) Stage{}; }

  // Until the test says so; a process without its test ends.
  template <class Condition>
  void wait_until(Condition condition) const {
    while (!condition()) {
      if (kill(tester_, 0) != 0) _exit(3);
      sched_yield();
    }
  }

  void look(std::initializer_list<Array> arrays) {
    for (const Array& array : arrays) stage_->wrong += array.is_intact() ? 0 : 1;
    ++stage_->looks;
  }

  // What a side of the fork does: finds its values, changes one, still finds them later.
  void live_on(Array first, Array second) {
    look({first, second});
    first.value += 100;
    first.fill();
    wait_until([&] { return stage_->look_again.load(); });
    look({first, second});
    release_view(first.block);
    wait_until([&] { return stage_->finish.load(); });
    look({second});
    release_view(second.block);
  }

  // Whether a grandchild, orphaned by now, was born and still runs. None may end before it is told.
  static bool has_orphan() {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended > 0) ADD_FAILURE() << "process " << ended << " ended with status " << status;
    return ended == 0;
  }

  // Uses what is free, so that anything freed too early is overwritten.
  static void scribble() {
    std::vector<BlockIndex> blocks;
    for (int i = 0; i < 12; ++i) {
      blocks.push_back(allocate_block(kBytes).value());
      std::memset(block_data(blocks.back()), 0xee, kBytes);
    }
    for (const BlockIndex block : blocks) release_block(block);
  }

  void expect_nothing_left() {
    reclaim_dead();
    EXPECT_EQ(reclaim_dead(), 0u);
    EXPECT_EQ(validate_memory(), "");
    EXPECT_EQ(take_census().in_use, before_);
    EXPECT_EQ(take_census().members.size(), 1u) << "a place is kept for nobody";
  }

  std::uint64_t before_ = 0;
  const pid_t tester_ = getpid();
  Shared<Stage> stage_;
};

TEST_F(ForkKill, TheParent) {
  const auto fork_with_arrays = [this] {
    const Array first = Array::make(1);
    const Array second = Array::make(2);
    if (fork() == 0) {
      stage_->child = getpid();
      live_on(first, second);
      _exit(0);
    }
    look({first, second});
  };
  const auto expect_child_well = [this] {
    siginfo_t parent{};
    if (waitid(P_ALL, 0, &parent, WEXITED | WNOHANG) == 0 && parent.si_pid != 0) {
      EXPECT_EQ(parent.si_status, SIGKILL);
    }
    reclaim_dead();
    EXPECT_EQ(validate_memory(), "");
    scribble();
    if (has_orphan()) {
      while (stage_->child == 0 && has_orphan()) sched_yield();
      stage_->look_again = true;
      scribble();
      reclaim_dead();
      EXPECT_EQ(validate_memory(), "");
      scribble();
      stage_->finish = true;
      int status = -1;
      EXPECT_GT(waitpid(-1, &status, 0), 0);
      EXPECT_EQ(status, 0);
      EXPECT_GE(stage_->looks, 3);
    }
    EXPECT_EQ(stage_->wrong, 0);
    expect_nothing_left();
  };
  // The first attempt is not traced, and its child is born for certain.
  const auto prepare = [this] { reset_stage(); };
  kill_at_every_step({.name = "fork, parent"}, prepare, fork_with_arrays, expect_child_well);
}

// Stands for a parent whose child is in our hands from its first instruction on.
class Birth {
 public:
  template <class Parent>
  explicit Birth(Parent&& parent)
      : parent_(start_process([&] {
          if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
          raise(SIGSTOP);
          parent();
        })) {
    int status = 0;
    EXPECT_EQ(waitpid(parent_, &status, 0), parent_);
    EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, parent_, nullptr, PTRACE_O_TRACEFORK), 0);
    EXPECT_EQ(ptrace(PTRACE_CONT, parent_, nullptr, nullptr), 0);
    EXPECT_EQ(waitpid(parent_, &status, 0), parent_);
    EXPECT_EQ(status >> 8, SIGTRAP | (PTRACE_EVENT_FORK << 8));
    unsigned long child = 0;
    EXPECT_EQ(ptrace(PTRACE_GETEVENTMSG, parent_, nullptr, &child), 0);
    child_ = static_cast<pid_t>(child);
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    EXPECT_EQ(ptrace(PTRACE_DETACH, parent_, nullptr, nullptr), 0);
  }
  pid_t parent() const { return parent_; }
  SteppedProcess child() const { return SteppedProcess::take_over(child_); }

 private:
  pid_t parent_;
  pid_t child_ = 0;
};

TEST_F(ForkKill, TheChild) {
  const Watchdog watchdog("fork, child", 600);
  const auto give_birth = [this] {
    const Array first = Array::make(1);
    const Array second = Array::make(2);
    const pid_t child = fork();
    if (child == 0) raise(SIGUSR2);
    live_on(first, second);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  };
  // The child is dead, its parent lives.
  const auto expect_parent_well = [this](const Birth& birth) {
    while (stage_->looks == 0) sched_yield();
    EXPECT_EQ(reclaim_dead(), 1u) << "also of a child that never came to life";
    EXPECT_EQ(take_census().members.size(), 2u);
    EXPECT_EQ(validate_memory(), "");
    scribble();
    stage_->look_again = true;
    while (stage_->looks == 1) sched_yield();
    scribble();
    stage_->finish = true;
    EXPECT_TRUE(ended_well(birth.parent()));
    EXPECT_EQ(stage_->looks, 3);
    EXPECT_EQ(stage_->wrong, 0);
    expect_nothing_left();
  };

  std::vector<SteppedProcess::Address> trace;
  for (int i = 0; i < 2; ++i) {
    reset_stage();
    const Birth birth(give_birth);
    SteppedProcess child = birth.child();
    trace = child.trace();
    child.kill_now();
    child.collect();
    expect_parent_well(birth);
  }
  ASSERT_FALSE(trace.empty());
  long tried = 0;
  for (const long number : kill_points("fork, child", static_cast<long>(trace.size()), 150)) {
    if (HasFailure()) break;
    reset_stage();
    const Birth birth(give_birth);
    SteppedProcess child = birth.child();
    const auto point = kill_point(trace, number);
    child.run_to(point.address, point.time);
    SCOPED_TRACE("killed after instruction " + std::to_string(number) + " before " + child.place());
    child.kill_now();
    child.collect();
    expect_parent_well(birth);
    ++tried;
  }
  std::printf("fork, child: killed at %ld points of %zu instructions\n", tried, trace.size());
  EXPECT_GT(tried, 0);
}

}  // namespace
}  // namespace onecopy::memory
