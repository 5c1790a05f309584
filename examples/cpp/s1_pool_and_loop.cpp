// Lists reversed by a loop and by a pool, and where the reversed lists are then.
//
//   loop       one list after the other, here;
//   pool       by Pool::map, whose function reverses its list and returns nothing;
//   returned   by Pool::map too, but this function returns its list as well;
//   shared     by Pool::map, on lists that are one and the same memory for all processes.
//
// What goes to a worker is a value: `pool` reverses copies that nobody sees. Whoever wants the
// result has it sent back, or keeps the lists where all see them.
//
//   s1_pool_and_loop
//   s1_pool_and_loop --size 10000000 --workers 2 --repeats 20

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <onecopy/array.hpp>
#include <onecopy/pool.hpp>

using Clock = std::chrono::steady_clock;
using Numbers = std::vector<int>;

constexpr std::size_t kLists = 7;
using Lists = std::vector<Numbers>;

Lists random_lists(unsigned long size, unsigned long seed) {
  std::mt19937_64 generator(seed);
  Lists lists(kLists, Numbers(size));
  for (Numbers& list : lists) {
    for (int& number : list) number = static_cast<int>(generator() % 1'000'000);
  }
  return lists;
}

void reverse(std::span<int> numbers) { std::reverse(numbers.begin(), numbers.end()); }

Numbers reverse_and_return(Numbers numbers) {
  std::reverse(numbers.begin(), numbers.end());
  return numbers;
}

// What a way works on, fresh for each round. The shared lists lie one behind the other, and are
// made before the pool, so that its workers have them too.
struct Caller {
  Lists lists;
  onecopy::Array<int> shared;
  onecopy::Pool pool;

  std::span<int> shared_list(std::size_t i) {
    return shared.span().subspan(i * lists[i].size(), lists[i].size());
  }
};

// -- the ways -------------------------------------------------------------------------------------

void by_loop(Caller& caller) {
  for (Numbers& list : caller.lists) reverse(list);
}

void by_pool(Caller& caller) { caller.pool.map(reverse, caller.lists); }

void by_pool_that_returns(Caller& caller) {
  caller.lists = caller.pool.map(reverse_and_return, caller.lists);
}

void by_pool_in_place(Caller& caller) {
  std::vector<std::size_t> indices(kLists);
  std::iota(indices.begin(), indices.end(), 0);
  const std::size_t size = caller.lists[0].size();
  const auto reverse_shared = [all = onecopy::inherited(caller.shared), size](std::size_t i) {
    reverse(all->span().subspan(i * size, size));
  };
  caller.pool.map(reverse_shared, indices);
}

struct Way {
  const char* name;
  void (*work)(Caller& caller);
  bool in_shared_lists;
  bool reversed;  // at the caller, afterwards
};
constexpr Way kWays[] = {{"loop", by_loop, false, true},
                         {"pool", by_pool, false, false},
                         {"returned", by_pool_that_returns, false, true},
                         {"shared", by_pool_in_place, true, true}};

// -- what is measured -----------------------------------------------------------------------------

// The median of several rounds, in seconds.
double timed(const Way& way, Caller& caller, const Lists& originals, unsigned long repeats) {
  std::vector<double> seconds;
  for (unsigned long round = 0; round < repeats; ++round) {
    caller.lists = originals;
    for (std::size_t i = 0; i < kLists; ++i) {
      std::copy(originals[i].begin(), originals[i].end(), caller.shared_list(i).begin());
    }
    const Clock::time_point begin = Clock::now();
    way.work(caller);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
  return seconds[seconds.size() / 2];
}

// Whether the caller's lists are as they should be.
bool check(const Way& way, Caller& caller, const Lists& originals) {
  const char* const state = way.reversed ? "reversed" : "as they were";
  for (std::size_t i = 0; i < kLists; ++i) {
    const std::span<const int> found =
        way.in_shared_lists ? caller.shared_list(i) : std::span<int>(caller.lists[i]);
    const Numbers& before = originals[i];
    const bool right = way.reversed
                           ? std::equal(found.begin(), found.end(), before.rbegin(), before.rend())
                           : std::equal(found.begin(), found.end(), before.begin(), before.end());
    if (right) continue;
    std::fprintf(stderr, "WRONG: %s: the caller's lists are not %s\n", way.name, state);
    return false;
  }
  std::printf("answer: %s: %zu lists of %zu are %s at the caller\n", way.name, kLists,
              originals[0].size(), state);
  return true;
}

struct Options {
  unsigned long size = 100'000;
  unsigned long workers = 4;
  unsigned long repeats = 5;
  unsigned long seed = 1;
};

constexpr const char* kUsage =
    "usage: s1_pool_and_loop [--size N] [--workers N] [--repeats N] [--seed N]\n"
    "  --size     numbers per list (100000)\n"
    "  --workers  of the pool (4)\n"
    "  --repeats  rounds of each way; the median is shown (5)\n"
    "  --seed     of the random numbers (1)\n";

// Says what is wrong with the arguments; nothing where nothing is.
std::optional<std::string> parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; i += 2) {
    const std::string name = arguments[i];
    unsigned long* target = name == "--size"      ? &options.size
                            : name == "--workers" ? &options.workers
                            : name == "--repeats" ? &options.repeats
                            : name == "--seed"    ? &options.seed
                                                  : nullptr;
    if (target == nullptr) return "unknown option: " + name;
    if (i + 1 == count) return name + " needs a number";
    const std::string_view value = arguments[i + 1];
    const auto [rest, error] = std::from_chars(value.begin(), value.end(), *target);
    const bool is_number = error == std::errc() && rest == value.end();
    if (!is_number || (*target == 0 && target != &options.seed)) {
      return name + ": not a number that will do: " + arguments[i + 1];
    }
  }
  return std::nullopt;
}

int run(const Options& options) {
  const Lists originals = random_lists(options.size, options.seed);
  Caller caller{originals, onecopy::Array<int>(kLists * options.size),
                onecopy::Pool(options.workers)};
  for (const Way& way : kWays) {
    const double seconds = timed(way, caller, originals, options.repeats);
    if (!check(way, caller, originals)) return 1;
    std::printf("time:   %s: %.6f s\n", way.name, seconds);
  }
  return 0;
}

int main(int count, char** arguments) {
  Options options;
  if (count > 1 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (const auto wrong = parse(count, arguments, options)) {
    std::fprintf(stderr, "%ss1_pool_and_loop: error: %s\n", kUsage, wrong->c_str());
    return 2;
  }
  try {
    return run(options);
  } catch (const onecopy::Exception& error) {
    std::fprintf(stderr, "FAILED: %s\n", error.what());
    return 1;
  }
}
