// The names of include/onecopy/names.hpp, between processes of which none inherits what it finds.
#include <onecopy/names.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/array.hpp>
#include <onecopy/family.hpp>
#include <onecopy/shared.hpp>

#include "memory/census.hpp"
#include "memory/validate.hpp"
#include "names/table.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy {
namespace {

using namespace std::chrono_literals;
using onecopy::testing::ended_well;
using onecopy::testing::start_process;
using Words = Queue<std::string>;

class Names : public ::testing::Test {
 protected:
  Names() {
    EXPECT_TRUE(family::join());
    before_ = memory::take_census().in_use;
  }
  ~Names() override {
    memory::reclaim_dead();
    EXPECT_EQ(names::validate_names(), "");
    EXPECT_EQ(memory::validate_memory(), "");
    EXPECT_EQ(memory::take_census().in_use, before_);
    EXPECT_TRUE(published_names().empty());
  }

  // A child that publishes, says so, and ends when it is told to.
  template <class Publish>
  pid_t start_publisher(Publish publish) {
    const pid_t child = start_process([this, publish] {
      publish();
      published_.put(0);
      leave_.get();
    });
    published_.get();
    return child;
  }
  void end(pid_t publisher) {
    leave_.put(0);
    EXPECT_TRUE(ended_well(publisher));
  }

 private:
  Queue<int> published_;
  Queue<int> leave_;

 protected:
  std::uint64_t before_ = 0;
};

TEST_F(Names, LeadToTheQueue) {
  const pid_t child = start_publisher([] {
    Words words(3);
    words.put("one");
    EXPECT_TRUE(publish("words", words));
  });
  {
    Words found = find<Words>("words").value_or_throw();
    EXPECT_EQ(found.maximum(), 3u);
    EXPECT_EQ(found.get(), "one") << "the publisher's own handle is gone, and it holds the queue";
    end(child);
    memory::reclaim_dead();
    found.put("two");
    EXPECT_EQ(found.get(), "two") << "who has found it needs the publisher no more";
    EXPECT_EQ(find<Words>("words").error(), Error::not_found);
  }
}

TEST_F(Names, LeadToTheSameMemory) {
  Shared<double> table(1000);
  table.span()[5] = 1.5;
  EXPECT_TRUE(publish("table", table.part(5, 10)));
  EXPECT_TRUE(ended_well(start_process([&table] {
    table = {};
    auto found = find<Shared<double>>("table").value_or_throw();
    ASSERT_EQ(found.size(), 10u);
    EXPECT_EQ(found.span()[0], 1.5);
    found.span()[0] = 2.5;
  })));
  EXPECT_EQ(table.span()[5], 2.5);
  EXPECT_TRUE(withdraw("table"));
}

TEST_F(Names, LeadToTheSameArrayAndItsLock) {
  Array<std::int32_t> counts(100);
  EXPECT_TRUE(publish("counts", counts));
  EXPECT_TRUE(ended_well(start_process([] {
    auto found = find<Array<std::int32_t>>("counts").value_or_throw();
    EXPECT_EQ(found.size(), 100u);
    found.set(7, 5);
    const std::scoped_lock guard(found.lock());
    found.set(8, 6);
  })));
  EXPECT_EQ(counts.get(7) + counts.get(8), 11);
  {
    auto again = find<Array<std::int32_t>>("counts").value_or_throw();
    const std::scoped_lock guard(counts.lock());
    std::thread([&] { EXPECT_FALSE(again.lock().try_lock()); }).join();
  }
  for (const auto& refused :
       {find<Array<float>>("counts").failure(), find<Array<double>>("counts").failure()}) {
    EXPECT_EQ(refused.code, Error::invalid);
    EXPECT_NE(refused.text().find("'counts' names an Array of 100 elements of 4 bytes"),
              std::string::npos)
        << refused.text();
  }
  EXPECT_EQ(find<Queue<int>>("counts").failure().text(),
            "'counts' names an Array of C++, not a queue");
  EXPECT_EQ(find<int>("counts").error(), Error::invalid);
  EXPECT_TRUE(publish("number", 5));
  EXPECT_EQ(find<Array<int>>("number").failure().text(),
            "'number' names a value, not an Array of C++");
  for (const char* name : {"counts", "number"}) EXPECT_TRUE(withdraw(name));
}

TEST_F(Names, LeadToCopiesOfSmallValues) {
  using Settings = std::map<std::string, std::vector<double>>;
  const Settings settings{{"edges", {1, 2, 3}}};
  EXPECT_TRUE(publish("settings", settings));
  EXPECT_TRUE(ended_well(
      start_process([&] { EXPECT_EQ(find<Settings>("settings").value_or_throw(), settings); })));
  EXPECT_TRUE(withdraw("settings"));
}

TEST_F(Names, OfTheDeadAreNotThereToWithdraw) {
  EXPECT_TRUE(ended_well(start_process([] { EXPECT_TRUE(publish("theirs", 5)); })));
  EXPECT_EQ(withdraw("theirs").error(), Error::not_found);
}

TEST_F(Names, AreWaitedFor) {
  Queue<int> started;
  const pid_t child = start_process([&started] {
    started.put(0);
    EXPECT_EQ(find_for<Words>("late", 100s).value_or_throw().get(), "here");
  });
  started.get();
  os::testing::wait_until_asleep(child);
  Words words;
  EXPECT_TRUE(publish("late", words));
  words.put("here");
  EXPECT_TRUE(ended_well(child));
  EXPECT_TRUE(withdraw("late"));
}

TEST_F(Names, ThatDoNotComeInTimeAreAnError) {
  const auto found = find_for<Words>("never", 1ms);
  EXPECT_EQ(found.error(), Error::timed_out);
  EXPECT_EQ(found.failure().text(), "not in time: there is no name 'never'; nothing is published");
}

TEST_F(Names, ThatAreNotThereAreToldWithThoseThatAre) {
  Words words;
  for (const char* name : {"a", "b"}) EXPECT_TRUE(publish(name, words));
  EXPECT_EQ(find<Words>("c").failure().text(), "there is no name 'c'; there are 'a', 'b'");
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(publish("more" + std::to_string(i), words));
  EXPECT_NE(find<Words>("c").failure().text().find(" and 2 more"), std::string::npos);
  for (const PublishedName& name : published_names()) {
    EXPECT_EQ(name.pid, os::process_id());
    EXPECT_TRUE(withdraw(name.name));
  }
}

TEST_F(Names, AreTakenWhileTheirPublisherLives) {
  const pid_t child = start_publisher([] { EXPECT_TRUE(publish("mine", Words())); });
  Words words;
  const auto refused = publish("mine", words);
  EXPECT_EQ(refused.error(), Error::invalid);
  EXPECT_EQ(refused.failure().text(),
            "the name 'mine' is taken: process " + std::to_string(child) + " has published it");
  EXPECT_EQ(withdraw("mine").error(), Error::permission);
  end(child);
  EXPECT_EQ(find<Words>("mine").error(), Error::not_found) << "before the dead is reclaimed, too";
  EXPECT_TRUE(publish("mine", words));
  EXPECT_TRUE(withdraw("mine"));
  EXPECT_EQ(withdraw("mine").error(), Error::not_found);
}

TEST_F(Names, AreNotAForkedChilds) {
  Words words;
  EXPECT_TRUE(publish("mine", words));
  EXPECT_TRUE(ended_well(start_process([] {
    EXPECT_EQ(withdraw("mine").error(), Error::permission);
    EXPECT_TRUE(find<Words>("mine"));
  })));
  EXPECT_TRUE(find<Words>("mine"));
  EXPECT_TRUE(withdraw("mine"));
}

TEST_F(Names, AreUtf8OfSomeLength) {
  Words words;
  for (const std::string& bad : {std::string(), std::string(64, 'x'), std::string("\xff"),
                                 std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_EQ(publish(bad, words).error(), Error::invalid) << bad;
    EXPECT_EQ(find<Words>(bad).error(), Error::invalid) << bad;
  }
  const std::string longest = "\u00fc" + std::string(kLongestName - 2, 'x');
  EXPECT_TRUE(publish(longest, words));
  EXPECT_TRUE(find<Words>(longest));
  EXPECT_TRUE(withdraw(longest));
}

TEST_F(Names, OfOneKindAreNotFoundAsAnother) {
  Words words;
  Shared<double> table(10);
  EXPECT_TRUE(publish("words", words));
  EXPECT_TRUE(publish("table", table));
  EXPECT_EQ(find<Words>("table").failure().text(), "'table' names a value, not a queue");
  EXPECT_EQ(find<Shared<double>>("words").failure().text(), "'words' names a queue, not a value");
  const auto other = find<Shared<float>>("table");
  EXPECT_EQ(other.error(), Error::invalid);
  EXPECT_NE(other.failure().text().find("'table': "), std::string::npos) << other.failure().text();
  EXPECT_NE(other.failure().text().find("float64"), std::string::npos) << other.failure().text();
  EXPECT_EQ(find<std::string>("table").error(), Error::invalid);
  for (const char* name : {"words", "table"}) EXPECT_TRUE(withdraw(name));
}

TEST_F(Names, AreNotForValuesWithMemoryOfTheirOwn) {
  const auto refused = publish("large", std::vector<double>(100'000));
  EXPECT_EQ(refused.error(), Error::invalid);
  EXPECT_NE(refused.failure().text().find("only what is shared"), std::string::npos);
  EXPECT_EQ(publish("long", std::string(2000, 'x')).error(), Error::invalid);
}

TEST_F(Names, ManyFitAndNoMore) {
  Words words;
  for (std::size_t i = 0; i < kMostNames; ++i) {
    ASSERT_TRUE(publish("name" + std::to_string(i), words));
  }
  EXPECT_EQ(publish("one more", words).error(), Error::too_many);
  EXPECT_TRUE(withdraw("name7"));
  EXPECT_TRUE(publish("one more", words));
  for (const PublishedName& name : published_names()) EXPECT_TRUE(withdraw(name.name));
}

TEST_F(Names, OfTheDeadMakeRoom) {
  const pid_t child = start_publisher([] {
    for (std::size_t i = 0; i < kMostNames; ++i) {
      EXPECT_TRUE(publish("name" + std::to_string(i), Words()));
    }
  });
  end(child);
  EXPECT_TRUE(publish("one more", Words()));
  EXPECT_TRUE(withdraw("one more"));
}

TEST_F(Names, MayBePublishedAndFoundByManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      const std::string name = "name" + std::to_string(i);
      for (int turn = 0; turn < 200; ++turn) {
        EXPECT_TRUE(publish(name, Words()));
        EXPECT_TRUE(find<Words>(name));
        EXPECT_FALSE(find<Words>("nobody's"));
        EXPECT_TRUE(withdraw(name));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Names, OfAQueueThatIsGivenUpEverywhereLeaveNothing) {
  EXPECT_TRUE(publish("words", Words()));
  EXPECT_TRUE(withdraw("words"));
}

}  // namespace
}  // namespace onecopy
