#include "os/lifeline.hpp"

#include <atomic>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/cpu.hpp"
#include "os/descriptor.hpp"
#include "os/futex.hpp"
#include "os/process_identity.hpp"
#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;
using testing::Shared;

// What the processes of a test tell each other. `armed` and `grandchild` are released by the child
// and acquired here, so that what happened before them is seen; `rounds` only counts.
struct Board {
  std::atomic<std::uint32_t> armed;
  std::atomic<std::uint32_t> rounds;
  std::atomic<std::int32_t> grandchild;
};

void wait_until_armed(Shared<Board>& board) {
  while (board->armed.load(std::memory_order_acquire) == 0) yield_thread();
}

// Returns once the child has run for a while more: many rounds of a loop without system calls.
void watch_it_run(Shared<Board>& board) {
  const std::uint32_t start = board->rounds.load(std::memory_order_relaxed);
  while (board->rounds.load(std::memory_order_relaxed) - start < 100'000) yield_thread();
}

[[noreturn]] void run_busily(Shared<Board>& board) {
  board->armed.store(1, std::memory_order_release);
  for (;;) board->rounds.fetch_add(1, std::memory_order_relaxed);
}

TEST(Lifeline, EndsAChildThatNeverEntersTheKernel) {
  Shared<Board> board;
  auto [ours, theirs] = stream_pair().value();
  Child child([&, &ours = ours, &theirs = theirs] {
    ours.reset();
    if (!arm_lifeline(theirs.get())) return 1;
    run_busily(board);
  });
  theirs.reset();
  wait_until_armed(board);
  watch_it_run(board);

  ours.reset();

  EXPECT_EQ(child.collect().signal, SIGKILL);
}

TEST(Lifeline, EndsAChildThatSleeps) {
  Shared<Board> board;
  auto [ours, theirs] = stream_pair().value();
  Child child([&, &ours = ours, &theirs = theirs] {
    ours.reset();
    if (!arm_lifeline(theirs.get())) return 1;
    board->armed.store(1, std::memory_order_release);
    for (;;) futex_wait(&board->rounds, 0, Deadline::never());
  });
  theirs.reset();
  wait_until_armed(board);

  ours.reset();

  EXPECT_EQ(child.collect().signal, SIGKILL);
}

TEST(Lifeline, EndsAChildWhoseFirstThreadIsGone) {
  Shared<Board> board;
  auto [ours, theirs] = stream_pair().value();
  Child child([&, &ours = ours, &theirs = theirs] {
    ours.reset();
    if (!arm_lifeline(theirs.get())) return 1;
    std::thread([&] { run_busily(board); }).detach();
    // The first thread alone; pthread_exit would unwind through the test's own frames.
    return static_cast<int>(syscall(SYS_exit, 0));
  });
  theirs.reset();
  wait_until_armed(board);
  watch_it_run(board);

  ours.reset();

  EXPECT_EQ(child.collect().signal, SIGKILL);
}

TEST(Lifeline, FiresAtOnceWhenTheOtherEndIsAlreadyGone) {
  auto [ours, theirs] = stream_pair().value();
  Child child([&, &ours = ours, &theirs = theirs] {
    ours.reset();
    while (!poll_one(theirs.get(), false, false, Deadline::never()).hung_up) {
    }
    const auto armed = arm_lifeline(theirs.get());
    return armed ? 1 : 2;
  });
  ours.reset();
  EXPECT_EQ(child.collect().signal, SIGKILL);
}

TEST(Lifeline, EndsTheChildOfAParentThatIsKilled) {
  Shared<Board> board;
  // The parent's parent keeps no copy of its end, or the line would hold.
  Child parent([&] {
    auto [ours, theirs] = stream_pair().value();
    const pid_t pid = fork_process().value();
    if (pid == 0) {
      ours.reset();
      if (!arm_lifeline(theirs.get())) exit_now(1);
      run_busily(board);
    }
    board->grandchild.store(pid, std::memory_order_release);
    for (;;) sleep_until(Deadline::never());
    return 0;
  });
  wait_until_armed(board);
  while (board->grandchild.load(std::memory_order_acquire) == 0) yield_thread();
  const ProcessIdentity grandchild =
      identify_process(board->grandchild.load(std::memory_order_relaxed)).value();
  ASSERT_TRUE(is_alive(grandchild));

  parent.kill();
  parent.collect();

  while (is_alive(grandchild)) yield_thread();
}

TEST(Lifeline, DoesNotFireWhileTheOtherEndIsOpen) {
  Shared<Board> board;
  auto [ours, theirs] = stream_pair().value();
  Child child([&, &ours = ours, &theirs = theirs] {
    ours.reset();
    if (!arm_lifeline(theirs.get())) return 1;
    run_busily(board);
  });
  theirs.reset();
  wait_until_armed(board);

  // A stray write, another copy of the end, and one of the copies closing.
  const auto written = write_some(ours.get(), "x", 1);
  Descriptor copy = duplicate(ours.get()).value();
  ours.reset();
  watch_it_run(board);

  EXPECT_EQ(written.error(), Error::broken_pipe);
  EXPECT_EQ(wait_process(child.pid(), Deadline::at(0)).error(), Error::timed_out);
  copy.reset();
  EXPECT_EQ(child.collect().signal, SIGKILL);
}

TEST(Lifeline, DoesNotFireForBytesThatWereThereBefore) {
  Shared<Board> board;
  auto [ours, theirs] = stream_pair().value();
  ASSERT_TRUE(write_some(ours.get(), "x", 1));
  Child child([&, &ours = ours, &theirs = theirs] {
    ours.reset();
    if (!arm_lifeline(theirs.get())) return 1;
    run_busily(board);
  });
  theirs.reset();
  wait_until_armed(board);
  watch_it_run(board);
  EXPECT_EQ(wait_process(child.pid(), Deadline::at(0)).error(), Error::timed_out);
  ours.reset();
  EXPECT_EQ(child.collect().signal, SIGKILL);
}

TEST(Lifeline, EndsOnlyWhoArmedIt) {
  Shared<Board> board;
  auto [ours, theirs] = stream_pair().value();
  Child child([&, &ours = ours, &theirs = theirs] {
    ours.reset();
    if (!arm_lifeline(theirs.get())) return 1;
    const pid_t pid = fork_process().value();
    if (pid == 0) run_busily(board);
    board->grandchild.store(pid, std::memory_order_release);
    for (;;) sleep_until(Deadline::never());
  });
  theirs.reset();
  wait_until_armed(board);
  while (board->grandchild.load(std::memory_order_acquire) == 0) yield_thread();

  ours.reset();

  EXPECT_EQ(child.collect().signal, SIGKILL);
  watch_it_run(board);  // The grandchild, which inherited the armed end.
  EXPECT_TRUE(send_signal(board->grandchild.load(std::memory_order_relaxed), SIGKILL));
}

TEST(Lifeline, RefusesWhatIsNotAStreamSocket) {
  auto [reading, writing] = pipe_pair().value();
  EXPECT_EQ(arm_lifeline(reading.get()).error(), Error::invalid);
  const Descriptor messages(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  EXPECT_EQ(arm_lifeline(messages.get()).error(), Error::invalid);
  EXPECT_EQ(arm_lifeline(-1).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::os
