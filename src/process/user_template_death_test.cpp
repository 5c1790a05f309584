// What deaths, signals and shortages leave of a template and its children. This program is what
// they run, so it has a main() of its own.
#include <onecopy/template.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <onecopy/family.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "os/cpu.hpp"
#include "os/descriptor.hpp"
#include "os/process_identity.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"
#include "testing/template_fixture.hpp"

namespace onecopy {
namespace {

using namespace onecopy::testing;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

std::size_t open_files(pid_t process) {
  const auto list = std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(list), end(list)));
}

// Returns when the process is gone. It is no child of ours, so it can only be watched.
void wait_until_gone(const os::ProcessIdentity& process) {
  EXPECT_TRUE(os::wait_until_dead(process, os::Deadline::never()));
}

void leave_a_process() {
  if (fork() != 0) return;
  wait_until_let_go();
  _exit(0);
}
int leave_a_process_and_fail() {
  leave_a_process();
  return 3;
}

TEST(TemplateDeath, IsNoticedWhereThePreparingLeftAProcess) {
  in_fresh_process([] {
    Meeting meeting;
    auto prepared = Template::start(leave_a_process).value_or_throw();
    const auto left = os::identify_process(meeting.here.get()).value_or_throw();

    kill(prepared.pid(), SIGKILL);

    EXPECT_EQ(prepared.spawn(nothing).error(), Error::closed) << "it had the line open, too";
    EXPECT_TRUE(os::is_alive(left));
    meeting.go.put(1);
    wait_until_gone(left);
  });
}

TEST(TemplateDeath, InThePreparingIsNoticedWhereThatLeftAProcess) {
  in_fresh_process([] {
    Meeting meeting;

    EXPECT_EQ(Template::start(leave_a_process_and_fail).error(), Error::closed);

    const auto left = os::identify_process(meeting.here.get()).value_or_throw();
    EXPECT_TRUE(os::is_alive(left));
    meeting.go.put(1);
    wait_until_gone(left);
  });
}

TEST(TemplateDeath, ThatIsKilledLeavesItsChildren) {
  in_fresh_process([] {
    Meeting meeting;
    auto prepared = Template::start().value_or_throw();
    auto child = prepared.spawn(wait_until_let_go).value_or_throw();
    auto other = prepared.spawn(wait_for_ever).value_or_throw();
    meeting.here.get();
    const auto process = os::identify_process(prepared.pid()).value();

    kill(prepared.pid(), SIGKILL);

    const auto refused = prepared.spawn(nothing);
    EXPECT_EQ(refused.error(), Error::closed);
    EXPECT_NE(refused.failure().text().find("has ended by signal 9: start another"),
              std::string::npos)
        << refused.failure().text();
    EXPECT_FALSE(os::is_alive(process));
    EXPECT_TRUE(child.alive());
    EXPECT_EQ(child.join_for(1ms).error(), Error::timed_out);
    meeting.go.put(1);
    const auto ended = child.join();
    EXPECT_EQ(ended.error(), Error::closed);
    EXPECT_NE(ended.failure().text().find("is not known"), std::string::npos);
    EXPECT_FALSE(child.alive());
    EXPECT_TRUE(other.kill());
    EXPECT_EQ(other.join().error(), Error::closed);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    family::reclaim();
    EXPECT_EQ(memory::take_census().members.size(), 1u);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

// Of each request there is a child that does the call, or none, and who asked knows which.
TEST(TemplateDeath, ThatIsKilledAtAnyMomentHasDoneWhatItSaid) {
  in_fresh_process([] {
    Queue<int> calls;
    ASSERT_TRUE(publish("calls", calls));
    std::size_t made = 0;
    const auto count = [] { find<Queue<int>>("calls").value_or_throw().put(1); };
    for (int i = 0; i < 40; ++i) {
      auto prepared = Template::start().value_or_throw();
      std::thread killer([pid = prepared.pid(), i] {
        std::this_thread::sleep_for(std::chrono::microseconds(25 * i));
        kill(pid, SIGKILL);
      });
      std::vector<Process> children;
      for (;;) {
        auto child = prepared.spawn(count);
        if (!child) {
          EXPECT_EQ(child.error(), Error::closed) << child.failure().text();
          break;
        }
        children.push_back(std::move(*child));
      }
      killer.join();
      made += children.size();
      for (Process& child : children) static_cast<void>(child.join());
    }
    EXPECT_EQ(calls.size(), made);
    // A child that nobody was told of ends by itself.
    while (memory::take_census().members.size() > 1) {
      family::reclaim();
      os::yield_thread();
    }
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

TEST(TemplateDeath, LeavesNothingOfAChildThatIsKilledAtAnyMoment) {
  in_fresh_process([] {
    {
      auto prepared = Template::start().value_or_throw();
      for (int i = 0; i < 40; ++i) {
        auto child = prepared.spawn(sum, std::vector<double>(10'000, 0.001)).value_or_throw();
        std::this_thread::sleep_for(std::chrono::microseconds(20 * i));
        static_cast<void>(child.kill());
        EXPECT_TRUE(child.join());
      }
    }
    family::reclaim();
    EXPECT_EQ(memory::take_census().blocks_in_use, 0u);
    EXPECT_EQ(memory::take_census().members.size(), 1u);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

TEST(TemplateDeath, EndsWithItsOwnerAndSoDoDaemons) {
  struct Pids {
    std::atomic<int> of_template, daemon, other;
  };
  os::testing::Shared<Pids> pids;
  os::testing::Child owner([&] {
    Meeting meeting;
    auto prepared = Template::start().value_or_throw();
    auto other = prepared.spawn(wait_until_let_go).value_or_throw();
    meeting.here.get();
    const auto busy = [] {
      find<Queue<int>>("here").value_or_throw().put(1);
      for (volatile unsigned long rounds = 0;;) rounds = rounds + 1;
    };
    auto daemon = prepared.spawn(ProcessOptions{.daemon = true}, busy).value_or_throw();
    meeting.here.get();
    pids->of_template = prepared.pid();
    pids->other = other.pid();
    pids->daemon.store(daemon.pid(), std::memory_order_release);
    for (;;) pause();
  });
  while (pids->daemon.load(std::memory_order_acquire) == 0) os::yield_thread();
  const auto of_template = os::identify_process(pids->of_template).value();
  const auto daemon = os::identify_process(pids->daemon).value();
  const auto other = os::identify_process(pids->other).value();

  owner.kill();

  wait_until_gone(of_template);
  wait_until_gone(daemon);
  EXPECT_EQ(owner.collect().signal, SIGKILL);
  EXPECT_TRUE(os::is_alive(other));
  EXPECT_TRUE(os::send_signal(other, SIGKILL));
  wait_until_gone(other);
}

TEST(TemplateDeath, KillsADaemonWithItsHandle) {
  in_fresh_process([] {
    auto prepared = Template::start().value_or_throw();
    std::optional<Process> daemon(
        prepared.spawn(ProcessOptions{.daemon = true}, wait_for_ever).value_or_throw());
    const int pid = daemon->pid();
    daemon.reset();
    EXPECT_TRUE(is_gone(pid));
  });
}

TEST(TemplateDeath, IsItsOwnersAlone) {
  in_fresh_process([] {
    Meeting meeting;
    auto prepared = std::make_optional(Template::start().value_or_throw());
    std::optional<Process> child(prepared->spawn(wait_until_let_go).value_or_throw());
    const pid_t forked = start_process([&] {
      const auto refused = prepared->spawn(nothing);
      EXPECT_EQ(refused.error(), Error::closed);
      EXPECT_NE(refused.failure().text().find("only the process that started"), std::string::npos);
      EXPECT_EQ(child->join().error(), Error::closed);
      // What it has opened since is not closed by handles that it has no part in.
      const auto opened = os::stream_pair().value();
      child.reset();
      prepared.reset();
      EXPECT_TRUE(os::identify(opened.first.get()));
      EXPECT_TRUE(os::identify(opened.second.get()));
    });
    EXPECT_TRUE(ended_well(forked));
    EXPECT_EQ(code_of(prepared->spawn(add, 1, 2)), 3);
    meeting.go.put(1);
    EXPECT_EQ(child->join().value_or_throw(), 0);
  });
}

TEST(TemplateDeath, IsNotEndedByAnInterruptThatItsChildrenGet) {
  in_fresh_process([] {
    ::testing::internal::CaptureStderr();
    {
      auto prepared = Template::start().value_or_throw();
      ASSERT_EQ(kill(prepared.pid(), SIGINT), 0);
      EXPECT_EQ(code_of(prepared.spawn(add, 1, 2)), 3);
      auto child = prepared.spawn(wait_for_ever).value_or_throw();
      ASSERT_EQ(kill(child.pid(), SIGINT), 0);
      EXPECT_EQ(child.join().value_or_throw(), -SIGINT);
      EXPECT_EQ(code_of(prepared.spawn(add, 1, 2)), 3);
    }
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  });
}

TEST(TemplateDeath, LeavesNoDescriptorsOpen) {
  in_fresh_process([] {
    ASSERT_TRUE(family::join());
    const std::size_t before = open_files(getpid());
    {
      auto prepared = Template::start().value_or_throw();
      const auto count = [] { return static_cast<int>(open_files(getpid())); };
      const int of_child = code_of(prepared.spawn(count));
      EXPECT_EQ(code_of(spawn(count)), of_child);
      const std::size_t of_owner = open_files(getpid());
      {
        std::vector<Process> children;
        children.reserve(10);
        for (int i = 0; i < 10; ++i) {
          children.push_back(
              prepared.spawn(ProcessOptions{.daemon = i % 2 == 0}, wait_for_ever).value_or_throw());
        }
        EXPECT_EQ(code_of(prepared.spawn(count)), of_child);
        for (Process& child : children) EXPECT_TRUE(child.kill());
      }
      EXPECT_EQ(open_files(getpid()), of_owner);
      // It sleeps once it has let go of those that it has told of.
      os::testing::wait_until_asleep(prepared.pid());
      const std::size_t of_template = open_files(prepared.pid());
      for (int i = 0; i < 10; ++i) EXPECT_EQ(code_of(prepared.spawn(nothing)), 0);
      os::testing::wait_until_asleep(prepared.pid());
      EXPECT_EQ(open_files(prepared.pid()), of_template);
    }
    EXPECT_EQ(open_files(getpid()), before);
  });
}

TEST(TemplateDeath, WithTooManyOpenFilesSaysSo) {
  in_fresh_process([] {
    const auto prepare = [] {
      const auto free = static_cast<rlim_t>(os::event_descriptor().value().get());
      const rlimit limit{free + 12, free + 12};
      return setrlimit(RLIMIT_NOFILE, &limit);
    };
    auto prepared = Template::start(prepare).value_or_throw();
    std::vector<Process> children;
    for (;;) {
      ASSERT_LT(children.size(), 12u);
      auto child = prepared.spawn(ProcessOptions{.daemon = true}, wait_for_ever);
      if (!child) {
        EXPECT_EQ(child.error(), Error::too_many) << child.failure().text();
        break;
      }
      children.push_back(std::move(*child));
    }
    EXPECT_GE(children.size(), 2u);
    children.pop_back();
    EXPECT_EQ(code_of(prepared.spawn(add, 1, 2)), 3);
  });
}

// Whoever forked meanwhile had a copy of the line, whose end tells that nobody is left.
TEST(TemplateDeath, IsNotWaitedForBecauseOfWhomOthersForkMeanwhile) {
  in_fresh_process([] {
    std::atomic<bool> over{false};
    std::vector<pid_t> forked;
    std::jthread forking([&] {
      while (!over && forked.size() < 500) {  // of the family's 1,024 places
        const pid_t child = fork();
        if (child == 0) wait_for_ever();
        forked.push_back(child);
        std::this_thread::sleep_for(std::chrono::microseconds(300));
      }
    });
    for (int i = 0; i < 10; ++i) {
      auto prepared = Template::start().value_or_throw();
      EXPECT_TRUE(prepared.spawn(ProcessOptions{.daemon = true}, wait_for_ever));
      kill(prepared.pid(), SIGKILL);
      while (prepared.spawn(ProcessOptions{.daemon = true}, wait_for_ever)) {
      }
    }
    over = true;
    forking.join();
    for (const pid_t child : forked) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  });
}

TEST(TemplateInAFullFamily, SaysSoAndServesOnceThereIsRoom) {
  in_fresh_process([] {
    auto prepared = Template::start().value_or_throw();
    std::optional<memory::Ticket> last;
    for (;;) {
      const auto place = memory::reserve_place();
      if (!place) break;
      last = *place;
    }
    const auto refused = prepared.spawn(add, 1, 2);
    EXPECT_EQ(refused.error(), Error::too_many);
    EXPECT_NE(refused.failure().text().find("the family is full"), std::string::npos);
    ASSERT_TRUE(last);
    memory::release_place(*last);
    EXPECT_EQ(code_of(prepared.spawn(add, 1, 2)), 3);
  });
}

// As of every child of a program that ignores SIGCHLD.
TEST(TemplateThatInheritsIgnoredChildren, DoesNotKnowHowTheyEnd) {
  in_fresh_process([] {
    std::signal(SIGCHLD, SIG_IGN);
    auto prepared = Template::start().value_or_throw();
    auto child = prepared.spawn(nothing).value_or_throw();
    EXPECT_EQ(child.join().error(), Error::closed);
    EXPECT_FALSE(child.alive());
  });
}

TEST(TemplateThatClosesItsLine, IsNone) {
  in_fresh_process([] {
    ::testing::internal::CaptureStderr();
    const auto close_all = [] {
      for (int descriptor = 3; descriptor < 100; ++descriptor) close(descriptor);
    };
    EXPECT_EQ(Template::start(close_all).error(), Error::closed);
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("has closed what leads to its owner"), std::string::npos) << told;
  });
}

TEST(TemplateOfALineThatNobodyGave, Ends) {
  in_fresh_process([] {
    setenv("ONECOPY_CALL", "0:1", 1);
    setenv("ONECOPY_TEMPLATE", "five", 1);
    ::testing::internal::CaptureStderr();
    EXPECT_FALSE(ended_well(start_process([] { run_spawned(); })));
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("ONECOPY_TEMPLATE is 'five'"), std::string::npos) << told;
  });
}

}  // namespace
}  // namespace onecopy

int main(int count, char** arguments) {
  onecopy::run_spawned();
  ::testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}
