// Doors between processes of which none was started by the other. The test's own process is in no
// family, and stays so.
#include <onecopy/door.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/family.hpp>
#include <onecopy/names.hpp>
#include <onecopy/process.hpp>

#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/member.hpp"
#include "memory/validate.hpp"
#include "os/descriptor_passing.hpp"
#include "os/private_socket.hpp"
#include "os/testing.hpp"
#include "os/testing_files.hpp"
#include "process/door.hpp"
#include "process/greeting.hpp"
#include "testing/fresh_process.hpp"
#include "testing/stopping.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::in_fresh_process;
using os::testing::Child;
using process::Answer;
using process::Hello;

// Tells one process that another is so far.
class Signal {
 public:
  void give() { EXPECT_TRUE(os::write_some(ends_.second.get(), "x", 1)); }
  void wait() {
    char byte;
    EXPECT_EQ(os::read_some(ends_.first.get(), &byte, 1).value(), 1u);
  }

 private:
  std::pair<os::Descriptor, os::Descriptor> ends_ = os::pipe_pair().value();
};

// Until the members are so many: the dead are found out by looking.
void expect_members(std::size_t count) {
  while (family::members().size() != count) {
    family::reclaim();
    std::this_thread::yield();
  }
  EXPECT_EQ(memory::validate_memory(), "");
}

void expect_join(const std::string& path) {
  const auto joined = family::join(path, 100s);
  EXPECT_TRUE(joined) << joined.failure().text();
  if (!joined) os::exit_now(1);
}

class Doors : public ::testing::Test {
 protected:
  const os::testing::FakeRoot root_;
  const std::string path_ = root_.path() + "/private/door";
};

TEST_F(Doors, LetAStrangerIn) {
  Child host([this] {
    Queue<std::string> jobs(4);
    Queue<int> answers;  // published here: a name goes with its publisher, and the guest soon ends
    EXPECT_TRUE(publish("jobs", jobs));
    EXPECT_TRUE(publish("answers", answers));
    Door door(path_);
    const int pid = door.admit();
    jobs.put("for " + std::to_string(pid));
    EXPECT_EQ(answers.get(), pid);
    expect_members(1);
  });
  Child stranger([this] {
    expect_join(path_);
    auto jobs = find<Queue<std::string>>("jobs").value_or_throw();
    EXPECT_EQ(jobs.get(), "for " + std::to_string(os::process_id()));
    find<Queue<int>>("answers").value_or_throw().put(os::process_id());
  });
  EXPECT_TRUE(stranger.collect().success());
  EXPECT_TRUE(host.collect().success());
  EXPECT_FALSE(std::filesystem::exists(path_)) << "closed with its Door";
}

TEST_F(Doors, LetManyInAtOnce) {
  static constexpr int kMany = 8;
  Child host([this] {
    Queue<int> numbers;
    EXPECT_TRUE(publish("numbers", numbers));
    Door door(path_);
    for (int i = 0; i < kMany; ++i) door.admit();
    int sum = 0;
    for (int i = 0; i < kMany; ++i) sum += numbers.get();
    EXPECT_EQ(sum, kMany);
    expect_members(1);
  });
  std::vector<std::unique_ptr<Child>> strangers;
  for (int i = 0; i < kMany; ++i) {
    strangers.push_back(std::make_unique<Child>([this] {
      expect_join(path_);
      find<Queue<int>>("numbers").value_or_throw().put(1);
    }));
  }
  for (auto& stranger : strangers) EXPECT_TRUE(stranger->collect().success());
  EXPECT_TRUE(host.collect().success());
}

TEST_F(Doors, MakeMembersLikeAllOthers) {
  Child host([this] {
    Door door(path_);
    door.admit();
    auto numbers = find_for<Queue<int>>("numbers", 100s).value_or_throw();
    EXPECT_EQ(numbers.get(), 5);
  });
  Child stranger([this] {
    expect_join(path_);
    Queue<int> numbers;
    auto child = Process::start([&] { numbers.put(5); }).value_or_throw();
    EXPECT_EQ(child.join().value_or_throw(), 0);
    EXPECT_TRUE(publish("numbers", numbers));
    expect_members(1);
  });
  EXPECT_TRUE(host.collect().success());
  EXPECT_TRUE(stranger.collect().success());
}

TEST_F(Doors, AreNotNeededAnyMoreOnceOneIsIn) {
  Child host([this] {
    Door door(path_);
    door.admit();
    os::kill_self();
  });
  Signal opened;
  Child heir([&] {
    expect_join(path_);
    expect_members(1);  // the host's place is free again
    Queue<int> numbers;
    EXPECT_TRUE(publish("numbers", numbers));
    Door door(path_);
    opened.give();
    door.admit();
    EXPECT_EQ(numbers.get(), 7);
  });
  EXPECT_EQ(host.collect().signal, SIGKILL);
  opened.wait();
  Child stranger([this] {
    expect_join(path_);
    find<Queue<int>>("numbers").value_or_throw().put(7);
  });
  EXPECT_TRUE(stranger.collect().success());
  EXPECT_TRUE(heir.collect().success());
}

TEST_F(Doors, AreForThoseWithoutAFamily) {
  in_fresh_process([this] {
    Door door(path_);
    const auto refused = family::join(path_);
    EXPECT_EQ(refused.error(), Error::invalid);
    EXPECT_NE(refused.failure().text().find("in a family already"), std::string::npos);
  });
}

TEST_F(Doors, ThatAreNotThereAreAnError) {
  in_fresh_process([this] {
    const auto refused = family::join(path_, 0s);
    EXPECT_EQ(refused.failure().system_errno, ENOENT) << refused.failure().text();
    std::filesystem::create_directory(root_.path() + "/private");
    ASSERT_EQ(chmod((root_.path() + "/private").c_str(), 0700), 0);
    EXPECT_EQ(family::join(path_, 30ms).failure().system_errno, ENOENT);
    EXPECT_FALSE(family::joined());
    EXPECT_TRUE(family::join()) << "one of its own";
  });
}

TEST_F(Doors, AtWhichNobodyAdmitsAreAnError) {
  Signal opened;
  Signal over;
  Child host([&] {
    const Door door(path_);
    opened.give();
    over.wait();
  });
  opened.wait();
  in_fresh_process([&] {
    const auto refused = family::join(path_, 20ms);
    EXPECT_EQ(refused.error(), Error::timed_out);
    EXPECT_EQ(refused.failure().text(), "nobody admits at the door '" + path_ +
                                            "', which process " + std::to_string(host.pid()) +
                                            " has opened");
    EXPECT_FALSE(family::joined());
  });
  over.give();
  EXPECT_TRUE(host.collect().success());
}

TEST_F(Doors, AreLeftByWhoIsAskedToStop) {
  Signal opened;
  Signal over;
  Child host([&] {
    Door door(path_);
    EXPECT_EQ(door.admit(onecopy::testing::stopped()).error(), Error::stopped);
    int admitted = 0;
    std::jthread porter = onecopy::testing::start_sleeper([&](const std::stop_token& stop) {
      while (door.admit(stop)) ++admitted;
    });
    opened.give();
    over.wait();
    onecopy::testing::stop(porter);
    EXPECT_EQ(admitted, 1);
  });
  opened.wait();
  in_fresh_process([this] { expect_join(path_); });
  over.give();
  EXPECT_TRUE(host.collect().success());
}

TEST_F(Doors, AreOpenedByOneProcessAtATime) {
  in_fresh_process([this] {
    Door door(path_);
    const auto second = Door::open(path_);
    EXPECT_EQ(second.failure().system_errno, EADDRINUSE);
    door.close();
    EXPECT_TRUE(door.closed());
    EXPECT_EQ(door.admit_for(0s).error(), Error::closed);
    EXPECT_TRUE(Door::open(path_));
  });
}

TEST_F(Doors, DoNotStandInDirectoriesThatAreOpenToOthers) {
  in_fresh_process([this] {
    std::filesystem::create_directory(root_.path() + "/private");
    ASSERT_EQ(chmod((root_.path() + "/private").c_str(), 0750), 0);
    EXPECT_EQ(Door::open(path_).error(), Error::permission);
    EXPECT_EQ(family::join(path_).error(), Error::permission);
    EXPECT_FALSE(family::joined());
  });
}

TEST_F(Doors, AreNoneOfAForkedChild) {
  Signal forked;
  Signal over;
  Child host([&] {
    Door door(path_);
    const pid_t child = onecopy::testing::start_process([&] {
      prctl(PR_SET_PDEATHSIG, 0);
      EXPECT_EQ(door.admit_for(0s).error(), Error::closed);
      door.close();
      forked.give();
      over.wait();
    });
    static_cast<void>(child);
    forked.wait();
    EXPECT_TRUE(std::filesystem::exists(path_)) << "its closing is nothing to the file";
    EXPECT_EQ(door.admit_for(0s).error(), Error::timed_out) << "and nothing to us";
    forked.give();
    os::kill_self();
  });
  host.collect();
  EXPECT_EQ(os::connect_to(path_).failure().system_errno, ECONNREFUSED)
      << "nobody has it open, though a child of the host lives";
  over.give();
}

// A host that admits until it is told to end, and then finds itself alone in its family.
class Host {
 public:
  explicit Host(const std::string& path)
      : child_([this, path] {
          keep_.reset();
          Door door(path);
          opened_.give();
          int admitted = 0;
          while (!os::poll_one(over_.get(), true, false, os::Deadline::at(0)).hung_up) {
            admitted += door.admit_for(1ms).has_value();
          }
          // Who came in just before has said so, and need not have been heard.
          while (door.admit_for(0ms)) ++admitted;
          expect_members(1);
          return ::testing::Test::HasFailure() ? 100 : admitted;
        }) {
    opened_.wait();
    over_.reset();
  }
  int admitted() {
    keep_.reset();
    return child_.collect().code;
  }
  pid_t pid() const { return child_.pid(); }

 private:
  Signal opened_;
  std::pair<os::Descriptor, os::Descriptor> pipe_ = os::pipe_pair().value();
  os::Descriptor over_ = std::move(pipe_.first);
  os::Descriptor keep_ = std::move(pipe_.second);
  Child child_;
};

// Somebody who knocks with what is no Joining.
class Knocker {
 public:
  explicit Knocker(const std::string& path) : Knocker(os::connect_to(path).value()) {}
  explicit Knocker(os::Descriptor connected) : socket_(std::move(connected)) {}

  template <class Message>
  void say(const Message& message) {
    EXPECT_TRUE(os::write_some(socket_.get(), &message, sizeof message));
  }
  // Nothing: the door was closed in front of it.
  std::pair<std::vector<os::Descriptor>, Answer> hear() {
    os::poll_one(socket_.get(), true, false, os::Deadline::never());
    auto received = os::receive_descriptors(socket_.get(), 1, sizeof(Answer));
    Answer answer{};
    if (!received) return {};
    EXPECT_EQ(received->second.size(), sizeof answer);
    std::memcpy(&answer, received->second.data(), sizeof answer);
    return {std::move(received->first), answer};
  }
  std::string refused() {
    const auto [descriptors, answer] = hear();
    EXPECT_TRUE(descriptors.empty());
    EXPECT_EQ(answer.verdict, process::Verdict::refused);
    return {answer.reason, answer.reason_bytes};
  }

 private:
  os::Descriptor socket_;
};

TEST_F(Doors, RefuseAnotherVersionAndNameBoth) {
  Host host(path_);
  Hello hello = process::hello_of_self();
  hello.package_version = (7 << 20) | (8 << 10) | 9;
  hello.layout_version += 1;
  Knocker knocker(path_);
  knocker.say(hello);
  const std::string reason = knocker.refused();
  const Hello own = process::hello_of_self();
  EXPECT_NE(reason.find("7.8.9 (layout " + std::to_string(own.layout_version + 1) + ")"),
            std::string::npos)
      << reason;
  EXPECT_NE(reason.find("(layout " + std::to_string(own.layout_version) + ")"), std::string::npos);
  EXPECT_EQ(host.admitted(), 0);
}

TEST_F(Doors, RefuseOtherPidNamespaces) {
  Host host(path_);
  Hello hello = process::hello_of_self();
  hello.pid = 1;  // as it would be in a namespace of its own
  Knocker knocker(path_);
  knocker.say(hello);
  EXPECT_NE(knocker.refused().find("pid namespace"), std::string::npos);
  EXPECT_EQ(host.admitted(), 0);
}

TEST_F(Doors, RefuseWhatIsNoGreeting) {
  Host host(path_);
  Knocker one(path_);
  one.say('x');
  EXPECT_EQ(one.refused(), "that is no greeting");
  Knocker two(path_);
  two.say(std::array<char, 300>{});
  EXPECT_EQ(two.refused(), "that is no greeting");
  EXPECT_EQ(host.admitted(), 0);
}

TEST_F(Doors, TakePlacesBackFromWhoDoesNotComeIn) {
  Host host(path_);
  {
    Knocker leaves(path_);
    leaves.say(process::hello_of_self());
    const auto [descriptors, answer] = leaves.hear();
    EXPECT_EQ(descriptors.size(), 1u);
    EXPECT_EQ(answer.verdict, process::Verdict::welcome);
  }
  {
    Knocker lies(path_);
    lies.say(process::hello_of_self());
    EXPECT_EQ(lies.hear().second.verdict, process::Verdict::welcome);
    lies.say(process::kInside);
    EXPECT_EQ(lies.hear().second.verdict, process::Verdict::refused) << "closed, that is nothing";
  }
  EXPECT_EQ(host.admitted(), 1) << "it said so, and has no place all the same";
}

// A place was kept for who had died on the way in until the host called admit() again.
TEST_F(Doors, KeepNoPlaceForTheDead) {
  Signal opened;
  Signal turned_away;
  Signal died;
  Child host([&] {
    Door door(path_);
    opened.give();
    while (!memory::is_taken(1)) static_cast<void>(door.admit_for(1ms));
    turned_away.give();
    died.wait();
    while (memory::is_taken(1)) family::reclaim();
    EXPECT_EQ(memory::validate_memory(), "");
  });
  opened.wait();
  Child guest([&] {
    Knocker knocker(path_);
    knocker.say(process::hello_of_self());
    EXPECT_EQ(knocker.hear().second.verdict, process::Verdict::welcome);
    turned_away.wait();
    os::kill_self();
  });
  EXPECT_EQ(guest.collect().signal, SIGKILL);
  died.give();
  EXPECT_TRUE(host.collect().success());
}

// It was told that the door had been closed.
TEST_F(Doors, TellWhoHasNoDescriptorLeft) {
  Host host(path_);
  in_fresh_process([this] {
    const int free = os::event_descriptor().value().get();
    const rlimit limit{static_cast<rlim_t>(free) + 1, static_cast<rlim_t>(free) + 1};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    const auto refused = family::join(path_, 100s);
    EXPECT_EQ(refused.error(), Error::too_many);
    EXPECT_NE(refused.failure().text().find("ulimit -n"), std::string::npos);
  });
  EXPECT_EQ(host.admitted(), 0);
}

// The file of another door may have got the number of the one that was there before.
TEST_F(Doors, LeaveTheFileThatAnotherMayHaveByNow) {
  in_fresh_process([this] {
    Door door(path_);
    for (int fd = 3; fd < 256; ++fd) close(fd);
    door.close();
    EXPECT_TRUE(std::filesystem::exists(path_));
    EXPECT_TRUE(os::listen_at(path_)) << "whoever comes next replaces what nobody answers at";
  });
}

TEST_F(Doors, HaveNoRoomForLongNotes) {
  in_fresh_process([this] {
    const auto refused = process::Door::open(path_, std::string(process::kLongestNote + 1, 'x'));
    EXPECT_EQ(refused.error(), Error::invalid);
    EXPECT_TRUE(process::Door::open(path_, std::string(process::kLongestNote, 'x')));
  });
}

TEST_F(Doors, LetNobodyWaitForWhoSaysNothing) {
  Host host(path_);
  std::vector<Knocker> silent;
  for (int i = 0; i < 10; ++i) silent.emplace_back(path_);
  silent[0].say(process::hello_of_self());
  in_fresh_process([this] { expect_join(path_); });
  silent.clear();
  EXPECT_EQ(host.admitted(), 1);
}

TEST_F(Doors, MakeRoomWhereManySayNothing) {
  Host host(path_);
  std::vector<Knocker> silent;
  for (int i = 0; i < 200; ++i) {
    auto connected = os::connect_to(path_);
    if (connected) silent.emplace_back(std::move(*connected));
  }
  in_fresh_process([this] { expect_join(path_); });
  EXPECT_EQ(host.admitted(), 1);
}

TEST_F(Doors, TellThatTheFamilyIsFull) {
  Signal opened;
  Signal over;
  Child host([&] {
    Door door(path_);
    while (memory::reserve_place()) {
    }
    opened.give();
    EXPECT_EQ(door.admit_for(100ms).error(), Error::timed_out);
    over.wait();
  });
  opened.wait();
  in_fresh_process([&] {
    const auto refused = family::join(path_, 100s);
    EXPECT_EQ(refused.error(), Error::too_many);
    EXPECT_NE(refused.failure().text().find("family is full"), std::string::npos);
  });
  over.give();
  EXPECT_TRUE(host.collect().success());
}

TEST_F(Doors, CanBeWatched) {
  Signal opened;
  Child host([&] {
    Door door(path_);
    EXPECT_TRUE(os::poll_one(door.fileno(), true, false, os::Deadline::at(0)).timed_out);
    opened.give();
    Result<int> admitted = Error::timed_out;
    while (admitted.error() == Error::timed_out) {
      EXPECT_TRUE(os::poll_one(door.fileno(), true, false, os::Deadline::never()).readable);
      admitted = door.admit_for(0s);
    }
    EXPECT_TRUE(admitted);
    EXPECT_TRUE(os::poll_one(door.fileno(), true, false, os::Deadline::at(0)).timed_out);
  });
  opened.wait();
  in_fresh_process([this] { expect_join(path_); });
  EXPECT_TRUE(host.collect().success());
}

// Who may go anywhere, and comes as somebody else: what the kernel tells of it is another user.
TEST_F(Doors, RefuseOtherUsers) {
  if (os::user_id() != 0) {
    // None but the superuser can be another; that its own are let in all other tests show.
    in_fresh_process([this] {
      EXPECT_EQ(Door::open("/onecopy-door").error(), Error::permission) << "the root's directory";
    });
    return;
  }
  Host host(path_);
  Child stranger([this] {
    ASSERT_EQ(seteuid(12345), 0);
    setfsuid(0);
    Knocker knocker(path_);  // and is sent away before it can say a word
    const std::string reason = knocker.refused();
    EXPECT_NE(reason.find("belongs to user 0, and process " + std::to_string(os::process_id()) +
                          " to user 12345"),
              std::string::npos)
        << reason;
    const auto refused = family::join(path_);
    EXPECT_EQ(refused.error(), Error::permission);
    EXPECT_NE(refused.failure().text().find("user 12345"), std::string::npos);
  });
  EXPECT_TRUE(stranger.collect().success());
  EXPECT_EQ(host.admitted(), 0);
}

// Who listens there may be anybody; what it says is not believed.
TEST_F(Doors, AreNotBelieved) {
  Signal opened;
  Child fraud([&] {
    const auto bound = os::listen_at(path_).value();
    opened.give();
    const auto say = [&](std::span<const std::byte> bytes, int descriptor) {
      os::poll_one(bound.socket.get(), true, false, os::Deadline::never());
      const auto guest = os::accept_connection(bound.socket.get()).value();
      os::poll_one(guest.get(), true, false, os::Deadline::never());
      Hello hello;
      EXPECT_EQ(os::read_some(guest.get(), &hello, sizeof hello).value(), sizeof hello);
      const std::size_t count = descriptor < 0 ? 0 : 1;
      EXPECT_TRUE(os::send_descriptors(guest.get(), std::span(&descriptor, count), bytes));
      char byte;
      os::poll_one(guest.get(), true, false, os::Deadline::never());
      EXPECT_EQ(os::read_some(guest.get(), &byte, 1).value(), 0u) << "it has not come in";
    };
    Answer answer{};
    answer.speaker = process::hello_of_self();
    answer.verdict = process::Verdict::welcome;
    const auto whole = std::as_bytes(std::span(&answer, 1));
    say(whole.first(5), -1);
    say(whole.first(30), -1);
    say(whole, -1);
    say(whole, os::event_descriptor().value().get());
    say(whole, bound.socket.get());
    answer.speaker.layout_version += 1;
    say(whole, -1);
    answer.speaker.layout_version -= 1;
    answer.speaker.pid += 1;
    say(whole, os::event_descriptor().value().get());
    answer.speaker.pid -= 1;
    answer.verdict = static_cast<process::Verdict>(99);
    answer.error = 12345;
    answer.reason_bytes = 0xffffffff;
    say(whole, -1);
  });
  opened.wait();
  in_fresh_process([this] {
    const auto refused = [this] {
      const auto joined = family::join(path_, 100s);
      EXPECT_FALSE(family::joined());
      return joined.error();
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(refused(), Error::corrupt);
    for (int i = 0; i < 2; ++i) EXPECT_NE(refused(), Error::none);
    EXPECT_EQ(refused(), Error::version_mismatch);
    EXPECT_EQ(refused(), Error::permission);
    EXPECT_EQ(refused(), Error::closed);
  });
  EXPECT_TRUE(fraud.collect().success());
}

}  // namespace
}  // namespace onecopy
