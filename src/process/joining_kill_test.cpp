// Who joins a family dies after each instruction of that, or who admits it does. The other side
// goes on, nobody waits for ever, and in the end no place is kept for the dead.
//
// The test's own process is in no family, so that what it forks are strangers to each other.

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <onecopy/door.hpp>
#include <onecopy/family.hpp>
#include <onecopy/names.hpp>
#include <onecopy/queue.hpp>

#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "os/testing_files.hpp"
#include "testing/kill_at_every_step.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::random_for;
using onecopy::testing::wants_everything;
using onecopy::testing::Watchdog;
using os::testing::Child;

// What a member finds when all others are dead.
void expect_alone() {
  family::reclaim();
  EXPECT_EQ(family::members().size(), 1u);
  EXPECT_EQ(family::reclaim(), 0u);
  EXPECT_EQ(memory::validate_memory(), "");
  Queue<int> numbers;
  numbers.put(5);
  EXPECT_EQ(numbers.get(), 5);
}

class JoiningKill : public ::testing::Test {
 protected:
  const os::testing::FakeRoot root_;
  const std::string path_ = root_.path() + "/private/door";
};

// Admits whoever comes, and tells when it is asked whether it is alone.
class Host {
 public:
  explicit Host(const std::string& path)
      : child_([this, path] {
          theirs_.reset();
          EXPECT_TRUE(publish("lives on", 1));
          Door door(path);
          for (;;) {
            static_cast<void>(door.admit_for(1ms));
            const auto found = os::poll_one(ours_.get(), true, false, os::Deadline::at(0));
            if (found.timed_out) continue;
            char question;
            if (os::read_some(ours_.get(), &question, 1).value() == 0) return 0;
            // Who is dead has closed its end, which is heard before anything else.
            while (door.admit_for(0s)) {
            }
            expect_alone();
            if (::testing::Test::HasFailure()) return 1;
            EXPECT_TRUE(os::write_some(ours_.get(), "x", 1));
          }
        }) {
    ours_.reset();
  }
  ~Host() {
    theirs_.reset();
    EXPECT_TRUE(child_.collect().success());
  }

  void expect_alone_there() {
    EXPECT_TRUE(os::write_some(theirs_.get(), "x", 1));
    char answer;
    EXPECT_EQ(os::read_some(theirs_.get(), &answer, 1).value(), 1u);
  }

 private:
  std::pair<os::Descriptor, os::Descriptor> ends_ = os::stream_pair().value();
  os::Descriptor ours_ = std::move(ends_.first);
  os::Descriptor theirs_ = std::move(ends_.second);
  Child child_;
};

TEST_F(JoiningKill, WhoJoins) {
  Host host(path_);
  kill_at_every_step(
      {.name = "joining, the newcomer", .sample = 120}, [] {},
      [this] { EXPECT_TRUE(family::join(path_, 100s)); }, [&] { host.expect_alone_there(); });
}

TEST_F(JoiningKill, WhoAdmits) {
  std::unique_ptr<Child> newcomer;
  kill_at_every_step(
      {.name = "joining, the host", .sample = 100},
      [&] {
        newcomer = std::make_unique<Child>([this] {
          EXPECT_TRUE(family::join(path_, 100s));
          if (find<int>("lives on")) return;
          while (family::members().size() != 1) family::reclaim();  // the host lives a little
          expect_alone();
        });
      },
      [this] {
        Door door(path_);
        door.admit();
      },
      [&] {
        // For a newcomer that the dead one did not let in.
        Host next(path_);
        EXPECT_TRUE(newcomer->collect().success());
        next.expect_alone_there();
      });
}

// Nobody stands still: hosts and newcomers die when it comes.
TEST_F(JoiningKill, Anybody) {
  const Watchdog watchdog("joining, anybody", wants_everything() ? 1200 : 100);
  auto random = random_for("joining, anybody");
  const auto pause = [&random](int most) {
    std::this_thread::sleep_for(
        std::chrono::microseconds(std::uniform_int_distribution(0, most)(random)));
  };
  int joined = 0;
  for (int round = 0; round < (wants_everything() ? 2000 : 200); ++round) {
    Host host(path_);
    std::unique_ptr<Child> newcomers[3];
    for (auto& newcomer : newcomers) {
      newcomer = std::make_unique<Child>([this] {
        if (!family::join(path_, 100s)) return 1;
        os::sleep_until(os::Deadline::after(2 * os::kMillisecond));
        return 0;
      });
    }
    pause(4000);
    newcomers[0]->kill();
    pause(2000);
    newcomers[1]->kill();
    newcomers[0]->collect();
    newcomers[1]->collect();
    joined += newcomers[2]->collect().code == 0;
    host.expect_alone_there();
  }
  EXPECT_EQ(joined, wants_everything() ? 2000 : 200) << "who is not killed is let in";
}

}  // namespace
}  // namespace onecopy
