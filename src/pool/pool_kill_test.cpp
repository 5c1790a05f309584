// Random deaths of workers while two threads use their pool. Each result is right, or the task was
// lost with its worker; nobody hangs; nothing is leaked.
#include <onecopy/pool.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "testing/seed.hpp"
#include "testing/watchdog.hpp"

namespace onecopy {
namespace {

using onecopy::testing::random_for;
using onecopy::testing::wants_everything;
using onecopy::testing::Watchdog;

// The process is killed so much later, wherever it is then.
void die_in(std::chrono::nanoseconds time) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer{};
  itimerspec when{};
  when.it_value.tv_nsec = time.count() + 1;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
      timer_settime(timer, 0, &when, nullptr) != 0) {
    raise(SIGKILL);
  }
}

struct Order {
  int number = 0;
  int die_in = -1;  // microseconds
};

std::vector<double> fulfil(const Order& order, std::span<const double> numbers) {
  if (order.die_in >= 0) die_in(std::chrono::microseconds(order.die_in));
  std::vector<double> doubled(numbers.begin(), numbers.end());
  for (double& each : doubled) each += order.number;
  return doubled;
}

// Uses the pool until so many workers that it has armed are gone, as far as it has heard.
class User {
 public:
  User(Pool& pool, const char* name) : pool_(pool), random_(random_for(name)) {}

  void use(int deaths) {
    const std::vector<double> numbers(3000, 0.5);
    for (int number = 0; lost_ < deaths; ++number) {
      std::vector<Future<std::vector<double>>> futures;
      for (int i = 0; i < 20; ++i) {
        const bool deadly = random_() % 12 == 0;
        const int when = deadly ? static_cast<int>(random_() % 300) : -1;
        futures.push_back(pool_.submit(fulfil, Order{number, when}, numbers));
      }
      for (auto& future : futures) take(future, number);
    }
  }

  int lost() const { return lost_; }

 private:
  void take(Future<std::vector<double>>& future, int number) {
    const auto result = future.get_for(std::chrono::hours(1));
    if (result) {
      ASSERT_EQ(*result, std::vector<double>(3000, 0.5 + number));
      return;
    }
    ASSERT_EQ(result.error(), Error::worker_died) << result.failure().text();
    ++lost_;
  }

  Pool& pool_;
  std::mt19937_64 random_;
  int lost_ = 0;
};

TEST(PoolKill, LosesWhatTheDeadHadAndNothingElse) {
  const Watchdog watchdog("a pool whose workers die", wants_everything() ? 3000 : 300);
  {
    const Pool warm(1);
  }
  memory::reclaim_dead();
  const std::uint64_t before = memory::take_census().in_use;
  const int deaths = wants_everything() ? 500 : 40;
  {
    Pool pool(3);
    User first(pool, "first user");
    User second(pool, "second user");

    std::thread other([&] { second.use(deaths); });
    first.use(deaths);
    other.join();

    EXPECT_EQ(pool.submit(fulfil, Order{1}, std::vector<double>{1}).get(), std::vector<double>{2});
  }
  memory::reclaim_dead();
  EXPECT_EQ(memory::take_census().in_use, before);
  EXPECT_EQ(memory::validate_memory(), "");
}

}  // namespace
}  // namespace onecopy
