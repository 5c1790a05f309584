#include "process/lifelines.hpp"

#include <csignal>

#include <gtest/gtest.h>
#include <onecopy/pipe.hpp>
#include <onecopy/process.hpp>
#include <onecopy/queue.hpp>

#include "os/descriptor.hpp"
#include "os/process_identity.hpp"
#include "os/system.hpp"
#include "os/testing.hpp"

namespace onecopy::process {
namespace {

using os::testing::Child;

[[noreturn]] void be_busy() {
  for (volatile unsigned long round = 0;;) round = round + 1;
}

// Returns when the process is gone. It is no child of ours, so it can only be watched.
void wait_until_gone(pid_t pid) {
  const Result<os::Descriptor> watched = os::open_pidfd(pid);
  if (watched.error() == Error::closed) return;
  ASSERT_TRUE(watched) << watched.failure().text();
  os::poll_one(watched->get(), true, false, os::Deadline::never());
}

// A parent that starts a busy daemon, then whatever `then` does, and tells the daemon's pid.
template <class Then>
Child start_parent(Queue<int>& pids, const Then& then) {
  return Child([&pids, then] {
    Process daemon = Process::start(
                         [&] {
                           pids.put(os::process_id());
                           be_busy();
                         },
                         {.daemon = true})
                         .value_or_throw();
    then();
    be_busy();
    return 0;
  });
}

TEST(Lifelines, EndABusyDaemonWhenItsParentIsKilled) {
  Queue<int> pids;
  Child parent = start_parent(pids, [] {});
  const int daemon = pids.get();

  parent.kill();

  wait_until_gone(daemon);
  EXPECT_EQ(parent.collect().signal, SIGKILL);
}

TEST(Lifelines, AreNotHeldBySiblings) {
  Queue<int> pids;
  Queue<int> siblings;
  Child parent = start_parent(pids, [&] {
    // One by our own means, one by the program's own fork: both outlive the parent.
    Process sibling = Process::start([&] {
                        siblings.put(os::process_id());
                        be_busy();
                      }).value_or_throw();
    if (os::fork_process().value() == 0) {
      siblings.put(os::process_id());
      be_busy();
    }
    be_busy();
  });
  const int daemon = pids.get();
  const int siblings_pids[] = {siblings.get(), siblings.get()};

  parent.kill();

  wait_until_gone(daemon);
  for (const int sibling : siblings_pids) {
    const auto identity = os::identify_process(sibling);
    ASSERT_TRUE(identity);
    EXPECT_TRUE(os::is_alive(*identity)) << "other children live on";
    EXPECT_TRUE(os::send_signal(*identity, SIGKILL));
  }
  EXPECT_EQ(parent.collect().signal, SIGKILL);
}

TEST(Lifelines, LetProcessesThatAreNoDaemonsLive) {
  Queue<int> pids;
  Pipe<int> pipe;
  Child parent([&] {
    Process other = Process::start([&] {
                      pids.put(os::process_id());
                      pipe.first.close();
                      pipe.second.recv();
                      pids.put(0);
                    }).value_or_throw();
    be_busy();
    return 0;
  });
  pids.get();

  parent.kill();
  EXPECT_EQ(parent.collect().signal, SIGKILL);
  pipe.first.send(1);

  EXPECT_EQ(pids.get(), 0) << "it went on after its parent's death";
}

TEST(Lifelines, AreClosedInAForkedChild) {
  const auto [kept, armed] = make_lifeline().value_or_throw();
  const auto identity = os::identify(kept).value_or_throw();

  const os::ExitStatus status = os::testing::run_in_child([&, kept = kept] {
    const auto inherited = os::identify(kept);
    return inherited && *inherited == identity ? 1 : 0;
  });

  EXPECT_TRUE(status.success());
  close_lifeline(kept);
  EXPECT_EQ(os::identify(kept).error(), Error::closed);
  os::Descriptor(armed).reset();
}

TEST(Lifelines, LeaveAnotherFilesNumberAlone) {
  auto [kept, armed] = make_lifeline().value_or_throw();
  os::Descriptor(kept).reset();
  // The lowest free number is given out first, so that this takes the one just closed.
  const os::Descriptor stranger = os::event_descriptor().value_or_throw();
  ASSERT_EQ(stranger.get(), kept);

  const os::ExitStatus status =
      os::testing::run_in_child([&] { return os::identify(stranger.get()) ? 0 : 1; });
  close_lifeline(kept);

  EXPECT_TRUE(status.success());
  EXPECT_TRUE(os::identify(stranger.get()));
  os::Descriptor(armed).reset();
}

}  // namespace
}  // namespace onecopy::process
