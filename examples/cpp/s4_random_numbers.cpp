// Random numbers made by several processes and sent home as vectors, over a queue for each process.
//
//   s4_random_numbers
//   s4_random_numbers --size 10000000 --processes 8 --seed 7

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <onecopy/process.hpp>
#include <onecopy/queue.hpp>

using Clock = std::chrono::steady_clock;
using Numbers = std::vector<double>;

// The numbers of one process: its own stream, the same on every run.
Numbers random_numbers(unsigned long seed, unsigned long part, unsigned long size) {
  std::mt19937_64 generator(seed * 1'000'003 + part);
  std::uniform_real_distribution<double> uniform(0, 1);
  Numbers numbers(size);
  for (double& number : numbers) number = uniform(generator);
  return numbers;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Says on stderr that we still wait; only when it takes long.
class ProgressLine {
 public:
  void show() {
    if (seconds_since(last_shown_) < 5) return;
    last_shown_ = Clock::now();
    std::fprintf(stderr, "queues: %.0f s so far\n", seconds_since(begin_));
  }

 private:
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_shown_ = begin_;
};

// Waits for the numbers of a process, and notices when that process is gone instead.
std::optional<Numbers> receive(onecopy::Queue<Numbers>& queue, onecopy::Process& process,
                               ProgressLine& progress) {
  for (;;) {
    const bool alive = process.alive();
    onecopy::Result<Numbers> numbers = queue.get_for(std::chrono::seconds(1));
    if (numbers) return std::move(numbers).value();
    if (numbers.error() != onecopy::Error::timed_out || !alive) {
      std::fprintf(stderr, "FAILED: %s: %s\n", process.name().c_str(),
                   alive ? numbers.failure().text().c_str() : "ended without a result");
      return std::nullopt;
    }
    progress.show();
  }
}

// Makes the same numbers again and says what differs.
bool arrived_as_sent(const Numbers& received, unsigned long seed, unsigned long part,
                     unsigned long size) {
  const Numbers expected = random_numbers(seed, part, size);
  const double sum = std::accumulate(received.begin(), received.end(), 0.0);
  std::printf("answer: queues: process %lu: %zu numbers, sum %.17g\n", part, received.size(), sum);
  if (received == expected) return true;
  std::fprintf(stderr, "WRONG: queues: process %lu: the sum of what was sent is %.17g\n", part,
               std::accumulate(expected.begin(), expected.end(), 0.0));
  return false;
}

struct Options {
  unsigned long size = 1'000'000;
  unsigned long processes = 4;
  unsigned long seed = 1;
};

constexpr const char* kUsage =
    "usage: s4_random_numbers [--size N] [--processes N] [--seed N]\n"
    "  --size       doubles per process (1000000)\n"
    "  --processes  how many processes (4)\n"
    "  --seed       of the random numbers (1)\n";

// Says what is wrong with the arguments; nothing where nothing is.
std::optional<std::string> parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; i += 2) {
    const std::string name = arguments[i];
    unsigned long* target = name == "--size"        ? &options.size
                            : name == "--processes" ? &options.processes
                            : name == "--seed"      ? &options.seed
                                                    : nullptr;
    if (target == nullptr) return "unknown option: " + name;
    if (i + 1 == count) return name + " needs a number";
    const char* const end = arguments[i + 1] + std::strlen(arguments[i + 1]);
    const auto [rest, error] = std::from_chars(arguments[i + 1], end, *target);
    const bool is_number = error == std::errc() && rest == end;
    if (!is_number || (*target == 0 && target != &options.seed)) {
      return name + ": not a number that will do: " + arguments[i + 1];
    }
  }
  return std::nullopt;
}

int main(int count, char** arguments) {
  Options options;
  if (count > 1 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (const auto wrong = parse(count, arguments, options)) {
    std::fprintf(stderr, "%ss4_random_numbers: error: %s\n", kUsage, wrong->c_str());
    return 2;
  }

  const Clock::time_point begin = Clock::now();
  ProgressLine progress;
  std::vector<onecopy::Queue<Numbers>> queues(options.processes);
  std::vector<onecopy::Process> processes;
  for (unsigned long part = 0; part < options.processes; ++part) {
    // Daemons, so that none is left behind when one of them fails.
    onecopy::Result<onecopy::Process> started = onecopy::Process::start(
        [&] { queues[part].put(random_numbers(options.seed, part, options.size)); },
        {.name = "process " + std::to_string(part), .daemon = true});
    if (!started) {
      std::fprintf(stderr, "FAILED: %s\n", started.failure().text().c_str());
      return 1;
    }
    processes.push_back(std::move(started).value());
  }

  std::vector<Numbers> received;
  for (unsigned long part = 0; part < options.processes; ++part) {
    std::optional<Numbers> numbers = receive(queues[part], processes[part], progress);
    if (!numbers) return 1;
    received.push_back(std::move(*numbers));
  }
  for (onecopy::Process& process : processes) {
    const onecopy::Result<int> code = process.join();
    if (code && *code == 0) continue;
    std::fprintf(stderr, "FAILED: %s ended with exit code %d\n", process.name().c_str(),
                 code ? *code : -1);
    return 1;
  }
  const double seconds = seconds_since(begin);

  bool right = true;
  for (unsigned long part = 0; part < options.processes; ++part) {
    right = arrived_as_sent(received[part], options.seed, part, options.size) && right;
  }
  std::printf("time:   queues: %.3f s, processes started and ended included\n", seconds);
  return right ? 0 : 1;
}
