// Processes from a template. This program is what they run, so it has a main() of its own.
#include <onecopy/template.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>

#include <gtest/gtest.h>
#include <onecopy/family.hpp>
#include <onecopy/names.hpp>
#include <onecopy/nd_view.hpp>
#include <onecopy/queue.hpp>

#include "memory/census.hpp"
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

int length(const std::string& text) { return static_cast<int>(text.size()); }
int extents(const NdView<std::int32_t, 2>& view) {
  return static_cast<int>(view.shape()[0] * 10 + view.shape()[1]);
}
[[noreturn]] int fail() { throw std::runtime_error("it failed"); }

int global = 1;
void set_global(int value, const std::string& text) { global = value + length(text); }
int global_plus(int more) { return global + more; }

std::optional<NdView<std::int32_t, 2>> kept_array;
std::optional<Queue<int>> kept_queue;
void keep(NdView<std::int32_t, 2> view) {
  kept_array = std::move(view);
  kept_queue = find<Queue<int>>("kept").value_or_throw();
}
void exchange(int value) {
  kept_queue->put((*kept_array)(0, 0));
  (*kept_array)(0, 0) = value;
  kept_queue->put((*kept_array)(0, 0));
}

TEST(Template, CallsAFunctionWithCopiesOfItsArguments) {
  in_fresh_process([] {
    auto prepared = Template::start().value_or_throw();
    EXPECT_TRUE(prepared.valid());
    EXPECT_EQ(code_of(prepared.spawn(add, 3, 4)), 7);
    EXPECT_EQ(code_of(prepared.spawn(length, "some text")), 9);
    EXPECT_EQ(code_of(prepared.spawn(nothing)), 0);
    EXPECT_EQ(code_of(prepared.spawn([](std::uint8_t a, std::vector<int> b) { return a + b.at(1); },
                                     std::uint8_t{200}, std::vector{1, 20})),
              220);
    int (*none)(int) = nullptr;
    EXPECT_EQ(prepared.spawn(none, 1).error(), Error::invalid);
  });
}

TEST(Template, SendsLargeArgumentsInBlocksThatAreFreeAfterwards) {
  in_fresh_process([] {
    {
      auto prepared = Template::start().value_or_throw();
      EXPECT_EQ(code_of(prepared.spawn(sum, std::vector<double>(100'000, 0.002))), 200);
      EXPECT_EQ(code_of(prepared.spawn(extents, NdView<std::int32_t, 2>::zeros({7, 3}))), 73);
    }
    family::reclaim();
    EXPECT_EQ(memory::take_census().blocks_in_use, 0u);
    EXPECT_EQ(memory::take_census().members.size(), 1u);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

TEST(Template, GivesItsChildrenWhatItHasPreparedAndNothingOfWhoAsks) {
  in_fresh_process([] {
    auto prepared = Template::start(set_global, 20, "four").value_or_throw();
    global = 5;
    EXPECT_EQ(code_of(prepared.spawn(global_plus, 1)), 25);
    EXPECT_EQ(code_of(prepared.spawn([] { return global = 7; })), 7);
    EXPECT_EQ(code_of(prepared.spawn(global_plus, 2)), 26);
    EXPECT_EQ(code_of(prepared.spawn([] {
                for (const char* name : {"ONECOPY_CALL", "ONECOPY_TEMPLATE", "ONECOPY_FAMILY"}) {
                  if (std::getenv(name) != nullptr) return 1;
                }
                return 0;
              })),
              0);
  });
}

TEST(Template, GivesItsChildrenArraysOfTheirOwnAndQueuesThatAreOne) {
  in_fresh_process([] {
    Queue<int> kept;
    ASSERT_TRUE(publish("kept", kept));
    auto view = NdView<std::int32_t, 2>::zeros({70, 300});
    view(0, 0) = 5;
    {
      auto prepared = Template::start(keep, view).value_or_throw();
      for (const int value : {6, 7}) {
        EXPECT_EQ(code_of(prepared.spawn(exchange, value)), 0);
        EXPECT_EQ(kept.get(), 5);
        EXPECT_EQ(kept.get(), value);
      }
    }
    EXPECT_EQ(view(0, 0), 5);
    family::reclaim();
    EXPECT_EQ(memory::take_census().members.size(), 1u);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

TEST(Template, ThatCannotPrepareItselfIsNone) {
  in_fresh_process([] {
    ::testing::internal::CaptureStderr();
    const auto failed = Template::start(fail);
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(failed.error(), Error::closed);
    EXPECT_NE(failed.failure().text().find("before it was ready, with code 1"), std::string::npos)
        << failed.failure().text();
    EXPECT_NE(told.find(", template ended by an uncaught exception: it failed"), std::string::npos)
        << told;
    EXPECT_EQ(Template::start(add, 1, 2).error(), Error::closed);
    EXPECT_EQ(Template::start([] { raise(SIGKILL); }).error(), Error::closed);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  });
}

TEST(Template, OfNobodyIsClosed) {
  in_fresh_process([] {
    Template none;
    EXPECT_FALSE(none.valid());
    EXPECT_EQ(none.pid(), 0);
    EXPECT_EQ(none.spawn(nothing).error(), Error::closed);
    auto prepared = Template::start().value_or_throw();
    none = std::move(prepared);
    EXPECT_EQ(prepared.spawn(nothing).error(), Error::closed);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(code_of(none.spawn(add, 1, 2)), 3);
  });
}

TEST(Template, ReportsAnExceptionThatNobodyCatches) {
  in_fresh_process([] {
    ::testing::internal::CaptureStderr();
    {
      auto prepared = Template::start().value_or_throw();
      EXPECT_EQ(code_of(prepared.spawn(ProcessOptions{.name = "failing"}, fail)), 1);
    }
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find(", failing ended by an uncaught exception: it failed"), std::string::npos)
        << told;
  });
}

TEST(Template, MakesMembersOfTheFamily) {
  in_fresh_process([] {
    Queue<std::string> answers;
    ASSERT_TRUE(publish("answers", answers));
    auto prepared = Template::start().value_or_throw();
    const auto answer = [](const std::string& text) {
      find<Queue<std::string>>("answers").value_or_throw().put(text + "!");
    };
    auto child = prepared.spawn(ProcessOptions{.name = "answerer"}, answer, "heard");
    ASSERT_TRUE(child) << child.failure().text();
    EXPECT_EQ(answers.get(), "heard!");
    EXPECT_EQ(child->join().value_or_throw(), 0);
    EXPECT_EQ(child->name(), "answerer");
  });
}

TEST(Template, ServesManyThreadsAtOnce) {
  in_fresh_process([] {
    auto prepared = Template::start().value_or_throw();
    std::vector<std::thread> threads;
    threads.reserve(6);
    for (int thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&prepared, thread] {
        std::vector<Process> children;
        children.reserve(15);
        for (int i = 0; i < 15; ++i) {
          children.push_back(prepared.spawn(add, thread * 15, i).value_or_throw());
        }
        for (int i = 0; i < 15; ++i) {
          EXPECT_EQ(children[static_cast<std::size_t>(i)].join().value_or_throw(), thread * 15 + i);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

TEST(Template, MaySpawnFurtherAndHaveTemplates) {
  in_fresh_process([] {
    auto prepared = Template::start(set_global, 1, "").value_or_throw();
    EXPECT_EQ(code_of(prepared.spawn([] { return code_of(spawn(add, 20, 1)) + 1; })), 22);
    EXPECT_EQ(code_of(prepared.spawn([] {
                auto inner = Template::start(set_global, 30, "").value_or_throw();
                return code_of(inner.spawn(global_plus, 1));
              })),
              31);
  });
}

// -- what a Process says of its child -------------------------------------------------------------

TEST(Template, TellsOfItsChildrenAsTheirParentWould) {
  in_fresh_process([] {
    Meeting meeting;
    auto prepared = Template::start().value_or_throw();
    auto child = prepared.spawn(wait_until_let_go).value_or_throw();
    EXPECT_EQ(meeting.here.get(), child.pid());
    EXPECT_TRUE(child.alive());
    EXPECT_EQ(child.exit_code(), std::nullopt);
    EXPECT_EQ(child.join_for(0s).error(), Error::timed_out);
    EXPECT_EQ(child.join_for(1ms).error(), Error::timed_out);
    meeting.go.put(1);
    EXPECT_EQ(child.join().value_or_throw(), 0);
    EXPECT_FALSE(child.alive());
    EXPECT_EQ(child.exit_code(), 0);
    EXPECT_EQ(child.kill().error(), Error::closed);
    EXPECT_TRUE(is_gone(child.pid())) << "a zombie";

    auto other = prepared.spawn(wait_for_ever).value_or_throw();
    EXPECT_TRUE(other.terminate());
    EXPECT_EQ(other.join().value_or_throw(), -SIGTERM);
    auto killed = prepared.spawn(wait_for_ever).value_or_throw();
    EXPECT_TRUE(killed.kill());
    EXPECT_EQ(killed.join().value_or_throw(), -SIGKILL);
  });
}

TEST(Template, HasToldOfAnEndThatWasSeen) {
  in_fresh_process([] {
    auto prepared = Template::start().value_or_throw();
    for (int i = 0; i < 20; ++i) {
      auto child = prepared.spawn(add, i, 1).value_or_throw();
      const auto watched = child.watch();
      ASSERT_TRUE(watched) << watched.failure().text();
      EXPECT_TRUE(os::poll_one(*watched, true, false, os::Deadline::never()).readable);
      EXPECT_EQ(child.exit_code(), i + 1);
    }
  });
}

TEST(Template, CanBeWatchedForAnEndThatHasBeen) {
  in_fresh_process([] {
    auto prepared = Template::start().value_or_throw();
    auto child = prepared.spawn(nothing).value_or_throw();
    while (!is_gone(child.pid())) os::yield_thread();
    const auto watched = child.watch();
    ASSERT_TRUE(watched) << watched.failure().text();
    EXPECT_TRUE(os::poll_one(*watched, true, false, os::Deadline::at(0)).readable);
    EXPECT_EQ(child.exit_code(), 0);
  });
}

TEST(Template, OutlivesItsHandleUntilItsChildrenAreJoined) {
  in_fresh_process([] {
    Meeting meeting;
    auto prepared = std::make_optional(Template::start().value_or_throw());
    const auto process = os::identify_process(prepared->pid()).value();
    auto child = prepared->spawn(wait_until_let_go).value_or_throw();
    auto other = prepared->spawn(wait_until_let_go).value_or_throw();
    prepared.reset();
    EXPECT_TRUE(os::is_alive(process));
    meeting.go.put(1);
    meeting.go.put(1);
    EXPECT_EQ(child.join().value_or_throw(), 0);
    EXPECT_TRUE(os::is_alive(process));
    EXPECT_EQ(other.join().value_or_throw(), 0);
    EXPECT_TRUE(is_gone(process.pid)) << "a zombie";
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  });
}

TEST(Template, DoesWithoutProcessDescriptors) {
  in_fresh_process([] {
    if (!os::testing::deny_system_calls({SYS_pidfd_open}, ENOSYS)) GTEST_SKIP();
    Meeting meeting;
    auto prepared = Template::start().value_or_throw();
    EXPECT_EQ(code_of(prepared.spawn(add, 3, 4)), 7);
    auto child = prepared.spawn(wait_until_let_go).value_or_throw();
    meeting.here.get();
    EXPECT_TRUE(child.alive());
    EXPECT_EQ(child.watch().error(), Error::permission);
    kill(prepared.pid(), SIGKILL);
    EXPECT_EQ(child.join_for(1ms).error(), Error::timed_out);
    EXPECT_TRUE(child.kill());
    EXPECT_EQ(child.join().error(), Error::closed);
  });
}

}  // namespace
}  // namespace onecopy

int main(int count, char** arguments) {
  onecopy::run_spawned();
  ::testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}
