// Powers of matrices by several workers, of which each has several BLAS threads.
//
// BLAS, here OpenBLAS, has threads of its own: as many as there are cores, unless it is told
// otherwise. Where each worker of a pool has so many, they take the cores from each other. Workers
// are forked when their pool is made, and begin with as many threads as their parent was to use
// then. For each number of workers and threads it is shown how long the powers take, and, as
// /usr/bin/time does, how busy the processor was, the peak memory of the workers and their minor
// page faults.
//
//   s3_blas_threads
//   s3_blas_threads --size 1000000 --matrices 16 --workers 4 --threads 4

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cblas.h>
#include <sys/resource.h>
#include <unistd.h>

#include <onecopy/barrier.hpp>
#include <onecopy/pool.hpp>

using Clock = std::chrono::steady_clock;
using Numbers = std::vector<double>;

struct Item {
  unsigned long seed;
  unsigned long side;
  unsigned long power;
};

// What a process has used so far; memory and page faults only grow.
struct Usage {
  double processor;  // seconds
  long peak;         // bytes
  long faults;
  long threads;
};

struct Answer {
  double sum;  // of the elements of the power
  bool right;
  double processor;  // seconds that it took
  int worker;
  Usage used;
};

// -- the workers' side ----------------------------------------------------------------------------

Usage used_so_far() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss * 1024,
          usage.ru_minflt, std::distance(begin(threads), end(threads))};
}

// Of about 1 in each row's sum, so that no power of it grows or shrinks much.
Numbers random_matrix(const Item& item) {
  std::mt19937_64 generator(item.seed);
  std::uniform_real_distribution<double> uniform(0, 2.0 / static_cast<double>(item.side));
  Numbers matrix(item.side * item.side);
  for (double& number : matrix) number = uniform(generator);
  return matrix;
}

Numbers product(const Numbers& a, const Numbers& b, unsigned long side) {
  Numbers result(side * side);
  const int n = static_cast<int>(side);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0,
              result.data(), n);
  return result;
}

// A matrix times a vector, without BLAS.
Numbers applied(const Numbers& matrix, const Numbers& vector) {
  Numbers result;
  for (std::size_t row = 0; row < matrix.size(); row += vector.size()) {
    double sum = 0;
    for (std::size_t i = 0; i < vector.size(); ++i) sum += matrix[row + i] * vector[i];
    result.push_back(sum);
  }
  return result;
}

// Not to the last digit: that depends on the order of the additions.
bool nearly(const Numbers& a, const Numbers& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::abs(x - y) <= 1e-9 * std::abs(y);  // false for what is no number, too
  });
}

Answer raise(Item item) {
  const double before = used_so_far().processor;
  const Numbers matrix = random_matrix(item);
  Numbers power = matrix;
  for (unsigned long i = 1; i < item.power; ++i) power = product(power, matrix, item.side);

  // The power has to do to a vector what the matrix does to it as many times.
  Numbers vector(item.side);
  for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = 1 + static_cast<double>(i % 7);
  const Numbers found = applied(power, vector);
  for (unsigned long i = 0; i < item.power; ++i) vector = applied(matrix, vector);

  double sum = 0;
  for (const double number : power) sum += number;
  const Usage used = used_so_far();
  return {sum, nearly(found, vector), used.processor - before, getpid(), used};
}

// -- the parent's side ----------------------------------------------------------------------------

struct Measured {
  std::vector<Answer> answers;  // in the order of the items
  double seconds;
};

Measured raise_all(unsigned long workers, unsigned long threads, const std::vector<Item>& items) {
  openblas_set_num_threads(static_cast<int>(threads));
  onecopy::Barrier all_here(static_cast<std::ptrdiff_t>(workers));
  onecopy::Pool pool(workers);
  // Until all have started, and BLAS in each of them: not timed.
  const auto warm_up = [here = onecopy::inherited(all_here)](Item item) {
    here->wait();
    raise(item);
  };
  pool.map(warm_up, std::vector<Item>(workers, Item{1, items[0].side, 2}));

  const Clock::time_point begin = Clock::now();
  std::vector<Answer> answers = pool.map(raise, items);
  return {std::move(answers), std::chrono::duration<double>(Clock::now() - begin).count()};
}

// What all workers together used, in words.
std::string sum_up(const Measured& measured) {
  double processor = 0;
  std::map<int, Usage> workers;  // of each the last that it told
  for (const Answer& answer : measured.answers) {
    processor += answer.processor;
    Usage& last = workers[answer.worker];
    if (answer.used.processor >= last.processor) last = answer.used;
  }
  long peak = 0;
  long faults = 0;
  long threads = 0;
  for (const auto& [worker, used] : workers) {
    peak += used.peak;
    faults += used.faults;
    threads = std::max(threads, used.threads);
  }
  char text[200];
  std::snprintf(text, sizeof text,
                "%.0f%% CPU, peak memory %.0f MB and %ld minor page faults in all workers, "
                "up to %ld threads in one",
                100 * processor / measured.seconds, static_cast<double>(peak) / 1e6, faults,
                threads);
  return text;
}

struct Options {
  unsigned long size = 100'000;
  unsigned long matrices = 8;
  unsigned long power = 20;
  unsigned long workers = 2;
  unsigned long threads = 2;
  unsigned long seed = 1;
};

constexpr const char* kUsage =
    "usage: s3_blas_threads [--size N] [--matrices N] [--power N] [--workers N] [--threads N]\n"
    "                       [--seed N]\n"
    "  --size      elements of a matrix, which is square (100000)\n"
    "  --matrices  how many (8)\n"
    "  --power     that each is raised to (20)\n"
    "  --workers   of the pool, beside one of 1 worker (2)\n"
    "  --threads   of BLAS in each worker, beside 1 (2)\n"
    "  --seed      of the matrices (1)\n";

// Says what is wrong with the arguments; nothing where nothing is.
std::optional<std::string> parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; i += 2) {
    const std::string name = arguments[i];
    unsigned long* target = name == "--size"       ? &options.size
                            : name == "--matrices" ? &options.matrices
                            : name == "--power"    ? &options.power
                            : name == "--workers"  ? &options.workers
                            : name == "--threads"  ? &options.threads
                            : name == "--seed"     ? &options.seed
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

std::vector<unsigned long> one_and(unsigned long count) {
  if (count == 1) return {1};
  return {1, count};
}

int run(const Options& options) {
  const auto side = static_cast<unsigned long>(std::sqrt(static_cast<double>(options.size)));
  std::vector<Item> items;
  items.reserve(options.matrices);
  for (unsigned long i = 0; i < options.matrices; ++i) {
    items.push_back({options.seed + i, side, options.power});
  }

  Numbers expected;
  for (const unsigned long threads : one_and(options.threads)) {
    for (const unsigned long workers : one_and(options.workers)) {
      const Measured measured = raise_all(workers, threads, items);
      Numbers sums;
      bool right = true;
      for (const Answer& answer : measured.answers) {
        sums.push_back(answer.sum);
        right = right && answer.right;
      }
      const std::string label =
          std::to_string(workers) + " workers of " + std::to_string(threads) + " threads";
      double total = 0;
      for (const double sum : sums) total += sum;
      std::printf("answer: %s: the elements of %zu matrices of %lux%lu add up to %.6g\n",
                  label.c_str(), sums.size(), side, side, total);
      std::printf("time:   %s: %.3f s, %s\n", label.c_str(), measured.seconds,
                  sum_up(measured).c_str());
      if (!right) {
        std::fprintf(stderr, "WRONG: %s: a power is not what its matrix makes\n", label.c_str());
        return 1;
      }
      if (!expected.empty() && !nearly(sums, expected)) {
        std::fprintf(stderr, "WRONG: %s: the sums are not what they were\n", label.c_str());
        return 1;
      }
      expected = std::move(sums);
    }
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
    std::fprintf(stderr, "%ss3_blas_threads: error: %s\n", kUsage, wrong->c_str());
    return 2;
  }
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "FAILED: %s\n", error.what());
    return 1;
  }
}
