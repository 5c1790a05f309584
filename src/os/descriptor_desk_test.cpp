#include "os/descriptor_desk.hpp"

#include <csignal>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;

constexpr Nanoseconds kLong = 20 * kSecond;

Deadline patience() { return Deadline::after(kLong); }

// Both ends of a pipe of the kernel's, and a desk that hands out the end to write to.
struct Handed {
  Descriptor read_end;
  Descriptor write_end;
  DescriptorDesk desk;

  static Handed make() {
    auto [read_end, write_end] = pipe_pair().value_or_throw();
    auto desk = DescriptorDesk::open(write_end.get()).value_or_throw();
    return {std::move(read_end), std::move(write_end), std::move(desk)};
  }

  void expect_end_of_stream() {
    write_end.reset();
    char byte = 0;
    EXPECT_EQ(read_some(read_end.get(), &byte, 1).value_or_throw(), 0u);
  }
};

TEST(DescriptorDesk, HandsTheSameFileToAnotherProcess) {
  Handed handed = Handed::make();
  Child child([address = handed.desk.address()] {
    const Descriptor got = ask_desk(address, patience()).value_or_throw();
    return write_some(got.get(), "x", 1).value_or_throw() == 1 ? 0 : 1;
  });

  EXPECT_TRUE(child.collect().success());
  char byte = 0;
  EXPECT_EQ(read_some(handed.read_end.get(), &byte, 1).value_or_throw(), 1u);
  EXPECT_EQ(byte, 'x');
}

TEST(DescriptorDesk, HandsACopyToEachWhoAsks) {
  const Handed handed = Handed::make();
  const FileIdentity wanted = identify(handed.write_end.get()).value_or_throw();
  std::vector<std::thread> askers;
  askers.reserve(8);
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const Descriptor got = ask_desk(handed.desk.address(), patience()).value_or_throw();
        EXPECT_EQ(identify(got.get()).value_or_throw(), wanted);
      }
    });
  }

  for (std::thread& asker : askers) asker.join();
}

TEST(DescriptorDesk, IsGoneWithItsObject) {
  Handed handed = Handed::make();
  const DeskAddress address = handed.desk.address();
  {
    const DescriptorDesk closed = std::move(handed.desk);
  }

  EXPECT_EQ(ask_desk(address, patience()).error(), Error::closed);
  handed.expect_end_of_stream();
}

TEST(DescriptorDesk, IsGoneWithItsProcess) {
  auto [read_end, write_end] = pipe_pair().value_or_throw();
  auto [told, tell] = pipe_pair().value_or_throw();
  Child child([&] {
    const auto desk = DescriptorDesk::open(write_end.get()).value_or_throw();
    write_some(tell.get(), &desk.address(), sizeof(DeskAddress)).value_or_throw();
    pause();
    return 0;
  });
  DeskAddress address{};
  EXPECT_EQ(read_some(told.get(), &address, sizeof address).value_or_throw(), sizeof address);
  EXPECT_TRUE(ask_desk(address, patience()));

  child.kill();
  child.collect();

  EXPECT_EQ(ask_desk(address, patience()).error(), Error::closed);
}

TEST(DescriptorDesk, OfAStoppedProcessIsWaitedForNoLongerThanSaid) {
  auto [told, tell] = pipe_pair().value_or_throw();
  Child child([&] {
    const auto desk = DescriptorDesk::open(tell.get()).value_or_throw();
    write_some(tell.get(), &desk.address(), sizeof(DeskAddress)).value_or_throw();
    pause();
    return 0;
  });
  DeskAddress address{};
  EXPECT_EQ(read_some(told.get(), &address, sizeof address).value_or_throw(), sizeof address);
  kill(child.pid(), SIGSTOP);
  int status = 0;
  EXPECT_EQ(waitpid(child.pid(), &status, WUNTRACED), child.pid());

  EXPECT_EQ(ask_desk(address, Deadline::after(kMillisecond)).error(), Error::timed_out);
}

TEST(DescriptorDesk, IsItsOpenersAlone) {
  Handed handed = Handed::make();
  auto [hold, release] = pipe_pair().value_or_throw();
  // It has the end to write to only as a copy of its parent's desk.
  Child child([&] {
    handed.write_end.reset();
    release.reset();
    {
      const DescriptorDesk copy = std::move(handed.desk);
    }
    char byte = 0;
    return read_some(hold.get(), &byte, 1).value_or_throw() == 0 ? 0 : 1;
  });
  // The parent's is there still, whatever the child does with its copy.
  EXPECT_TRUE(ask_desk(handed.desk.address(), patience()));
  {
    const DescriptorDesk closed = std::move(handed.desk);
  }

  handed.expect_end_of_stream();
  release.reset();
  EXPECT_TRUE(child.collect().success());
}

TEST(DescriptorDesk, TakesNoSignalFromTheProgram) {
  const Handed handed = Handed::make();
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);

  kill(getpid(), SIGUSR1);

  int signal = 0;
  EXPECT_EQ(sigwait(&one, &signal), 0) << "it would have ended this process";
  EXPECT_EQ(signal, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

// What a program does that closes every descriptor it does not know.
void close_all_but_standard_ones() { close_range(3, ~0U, 0); }

TEST(DescriptorDesk, EndsWhereTheProgramHasClosedItsDescriptors) {
  EXPECT_TRUE(testing::run_in_child([] {
                auto [read_end, write_end] = pipe_pair().value_or_throw();
                auto desk = DescriptorDesk::open(write_end.get()).value_or_throw();
                close_all_but_standard_ones();
                static_cast<void>(read_end.release());
                static_cast<void>(write_end.release());
                {
                  const DescriptorDesk closed = std::move(desk);
                }
                return 0;
              }).success())
      << "it waited for a thread that nothing wakes";
}

TEST(DescriptorDesk, TouchesNothingThatHasGotItsNumbers) {
  EXPECT_TRUE(testing::run_in_child([] {
                auto [read_end, write_end] = pipe_pair().value_or_throw();
                const auto desk = DescriptorDesk::open(write_end.get()).value_or_throw();
                close_all_but_standard_ones();
                static_cast<void>(read_end.release());
                static_cast<void>(write_end.release());
                // At whatever numbers the desk had.
                std::vector<Descriptor> files;
                files.reserve(16);
                for (int i = 0; i < 16; ++i) files.push_back(event_descriptor().value_or_throw());
                // The socket is there as long as the thread waits for it.
                if (ask_desk(desk.address(), Deadline::after(kSecond))) return 1;
                for (const Descriptor& file : files) {
                  if (!identify(file.get()) ||
                      poll_one(file.get(), true, false, Deadline::at(0)).readable) {
                    return 2;
                  }
                }
                return 0;
              }).success());
}

TEST(DescriptorDesk, IsCountedInItsProcessAlone) {
  EXPECT_EQ(desk_count(), 0u);
  {
    const Handed handed = Handed::make();
    EXPECT_EQ(desk_count(), 1u);
    EXPECT_TRUE(testing::run_in_child([] { return static_cast<int>(desk_count()); }).success());
  }
  EXPECT_EQ(desk_count(), 0u);
}

TEST(DescriptorDesk, SurvivesAProcessWithoutRoomForDescriptors) {
  EXPECT_TRUE(testing::run_in_child([] {
                // UBSan looks at the thread's object through a pipe, unless it has met one before.
                static_cast<void>(Handed::make());
                Handed mine = Handed::make();
                const rlimit none{0, 0};
                setrlimit(RLIMIT_NOFILE, &none);
                {
                  const DescriptorDesk closed = std::move(mine.desk);
                }
                return 0;
              }).success())
      << "its thread heard nothing of the end";
}

TEST(DescriptorDesk, NobodyHasEverOpenedIsClosed) {
  EXPECT_EQ(ask_desk({{1, 2}}, patience()).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::os
