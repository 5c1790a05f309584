#include "process/spawn.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/deadline.hpp>

#include "channel/values.hpp"
#include "memory/family.hpp"
#include "os/cpu.hpp"
#include "os/process_identity.hpp"
#include "os/system.hpp"
#include "os/testing.hpp"

namespace onecopy::process {
namespace {

using channel::Channel;

constexpr const char* kRole = "ONECOPY_SPAWN_TEST_ROLE";
constexpr const char* kChannel = "ONECOPY_SPAWN_TEST_CHANNEL";

// The roles that this program plays when a test starts it afresh. The answer is its exit code.
int play(const std::string& role) {
  const Result<bool> joined = join_from_environment();
  if (!joined) return joined.error() == Error::invalid ? 40 : 41;
  if (role == "stranger") return *joined ? 42 : 0;
  if (!*joined) return 43;
  if (std::getenv("ONECOPY_FAMILY") != nullptr) return 44;
  if (role == "leaver") return 0;

  const std::string text = std::getenv(kChannel);
  channel::Name name;
  name.index = static_cast<std::uint32_t>(std::stoul(text));
  name.generation = static_cast<std::uint32_t>(std::stoul(text.substr(text.find(':') + 1)));
  Result<Channel> opened = Channel::open(name);
  if (!opened) return 45;
  const std::vector<double> values(100'000, 1.5);
  if (!channel::put_value(*opened, detail::write_of(values), detail::kForever, -1)) return 46;
  if (role == "busy") {
    for (volatile unsigned long round = 0;;) round = round + 1;
  }
  return 5;
}

// Before the tests, in a process that was started to play a role.
[[gnu::constructor]] void play_if_asked() {
  if (const char* role = std::getenv(kRole)) os::exit_now(play(role));
}

Program role(const std::string& name, const Channel* channel = nullptr) {
  Program program{.path = "/proc/self/exe", .arguments = {"spawn_test"}};
  program.environment.push_back(std::string(kRole) + "=" + name);
  if (channel != nullptr) {
    program.environment.push_back(std::string(kChannel) + "=" +
                                  std::to_string(channel->name().index) + ":" +
                                  std::to_string(channel->name().generation));
  }
  return program;
}

Channel make_channel() {
  memory::join_family().value_or_throw();
  return Channel::create({}).value_or_throw();
}

std::vector<double> get(Channel& channel) {
  std::vector<double> values;
  channel::get_value(channel, detail::read_of(values), detail::kForever, -1).value_or_throw();
  return values;
}

TEST(Spawn, MakesTheProgramAMemberOfTheFamily) {
  Channel channel = make_channel();
  Child child = start_program(role("sender", &channel)).value_or_throw();

  EXPECT_EQ(get(channel), std::vector<double>(100'000, 1.5));
  EXPECT_EQ(*child.join(os::Deadline::never()), 5);
}

TEST(Spawn, KeepsAChannelForTheProgramBeforeItIsBorn) {
  auto channel = std::make_unique<Channel>(make_channel());
  Channel* const held[] = {channel.get()};
  Program program = role("sender", channel.get());
  program.channels = held;

  Child child = start_program(program).value_or_throw();
  channel.reset();

  EXPECT_EQ(*child.join(os::Deadline::never()), 5) << "45: the channel was gone";
}

TEST(Spawn, LetsTheProgramLeave) {
  Child child = start_program(role("leaver")).value_or_throw();

  EXPECT_EQ(*child.join(os::Deadline::never()), 0);
}

TEST(Spawn, EndsABusyProgramWithItsParent) {
  Channel channel = make_channel();
  os::testing::Shared<std::atomic<int>> pid;
  os::testing::Child parent([&] {
    Program program = role("busy", &channel);
    program.daemon = true;
    Child child = start_program(program).value_or_throw();
    pid->store(child.pid(), std::memory_order_release);
    for (volatile unsigned long round = 0;;) round = round + 1;
    return 0;
  });
  // The program has armed its lifeline when it puts.
  get(channel);
  while (pid->load(std::memory_order_acquire) == 0) os::yield_thread();
  const auto watched = os::open_pidfd(pid->load(std::memory_order_acquire));
  ASSERT_TRUE(watched) << watched.failure().text();

  parent.kill();

  EXPECT_TRUE(os::poll_one(watched->get(), true, false, os::Deadline::never()).readable);
  EXPECT_EQ(parent.collect().signal, SIGKILL);
}

TEST(Spawn, SaysThatThereIsNoSuchProgram) {
  Program program = role("sender");
  program.path = "/nonexistent/program";

  EXPECT_EQ(start_program(program).error(), Error::invalid);
}

TEST(Spawn, PrefersTheProgramsOwnEnvironment) {
  ASSERT_EQ(::setenv(kRole, "leaver", 1), 0);
  Child child = start_program(role("stranger")).value_or_throw();
  ::unsetenv(kRole);

  EXPECT_EQ(*child.join(os::Deadline::never()), 42);
}

TEST(JoinFromEnvironment, DoesNothingWhereNobodyReservedAPlace) {
  const os::ExitStatus status = os::testing::run_in_child([] {
    const pid_t pid =
        os::start_program("/proc/self/exe", {"spawn_test"}, {std::string(kRole) + "=stranger"}, {})
            .value();
    return os::wait_process(pid).value().as_exit_code();
  });

  EXPECT_EQ(status.code, 0);
}

TEST(JoinFromEnvironment, RefusesWhatNoParentWrites) {
  for (const char* family : {"", "5", "5:1", "5:1:", "a:1:1", "5:1:1:1", "-5:1:1",
                             "5:1:99999999999", " 5:1:1", "5;1;1"}) {
    const pid_t pid =
        os::start_program(
            "/proc/self/exe", {"spawn_test"},
            {std::string(kRole) + "=stranger", std::string("ONECOPY_FAMILY=") + family}, {})
            .value();
    EXPECT_EQ(os::wait_process(pid).value().as_exit_code(), 40) << family;
  }
}

}  // namespace
}  // namespace onecopy::process
