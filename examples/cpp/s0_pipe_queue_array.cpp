// One array of numbers, three ways to another process: Pipe, Queue and shared Array.
//
// Each call hands the array to a child process, which adds it up and answers with the sum. It is
// counted how many calls a second each way manages,
//
//   made anew   the channel and the process are made for every call, as a careless program does;
//   kept        one channel and one process serve all calls, so that only the transfer is left.
//
// What goes over a Pipe or a Queue is copied once, when it is sent: the child looks at the memory
// that the message came in.
//
//   s0_pipe_queue_array
//   s0_pipe_queue_array --size 1000000 --calls 200

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <onecopy/array.hpp>
#include <onecopy/event.hpp>
#include <onecopy/nd_view.hpp>
#include <onecopy/pipe.hpp>
#include <onecopy/process.hpp>
#include <onecopy/queue.hpp>
#include <onecopy/semaphore.hpp>
#include <onecopy/value.hpp>

using Clock = std::chrono::steady_clock;
using Number = std::int64_t;
using Numbers = std::vector<Number>;
using View = onecopy::NdView<const Number>;
using Question = std::optional<View>;  // an array, and nothing at the end

constexpr std::chrono::seconds kPatience(60);  // for one answer, before the child counts as lost

Question all_of(const Numbers& numbers) { return View::over(numbers.data(), {numbers.size()}); }

Number sum_of(std::span<const Number> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), Number{0});
}

// A daemon, so that it is not left behind when this program fails.
template <class Body>
onecopy::Process start(Body body) {
  return onecopy::Process::start(body, {.daemon = true}).value_or_throw();
}

void wait_for_end(onecopy::Process& process) {
  const int code = process.join().value_or_throw();
  if (code != 0) throw std::runtime_error("the child ended with exit code " + std::to_string(code));
}

// -- the ways: three classes with the same three members ------------------------------------------

class OverPipe {
 public:
  explicit OverPipe(std::size_t) {
    process_ = start([this] {
      pipe_.first.close();
      while (const Question numbers = pipe_.second.recv()) {
        pipe_.second.send(sum_of(numbers->span()));
      }
    });
    pipe_.second.close();  // so that a dead child shows as the end of the stream, not as silence
  }
  Number ask(const Numbers& numbers) {
    pipe_.first.send(all_of(numbers));
    return pipe_.first.recv_for(kPatience).value_or_throw();
  }
  void close() {
    pipe_.first.send(std::nullopt);
    wait_for_end(process_);
  }

 private:
  onecopy::Pipe<Question, Number> pipe_;
  onecopy::Process process_;
};

class OverQueue {
 public:
  explicit OverQueue(std::size_t) {
    process_ = start([this] {
      while (const Question numbers = questions_.get()) answers_.put(sum_of(numbers->span()));
    });
  }
  Number ask(const Numbers& numbers) {
    questions_.put(all_of(numbers));
    return answers_.get_for(kPatience).value_or_throw();
  }
  void close() {
    questions_.put(std::nullopt);
    wait_for_end(process_);
  }

 private:
  onecopy::Queue<Question> questions_;
  onecopy::Queue<Number> answers_;
  onecopy::Process process_;
};

class OverArray {
 public:
  explicit OverArray(std::size_t size) : shared_(size) {
    process_ = start([this] { add_up(); });
  }
  Number ask(const Numbers& numbers) {
    {
      const std::scoped_lock guard(shared_.lock());
      std::copy(numbers.begin(), numbers.end(), shared_.span().begin());
    }
    filled_.release();
    if (!answered_.try_acquire_for(kPatience)) {
      throw std::runtime_error("no answer came through the Array");
    }
    return total_.get();
  }
  void close() {
    stopping_.set();
    filled_.release();
    wait_for_end(process_);
  }

 private:
  void add_up() {
    for (;;) {
      filled_.acquire();
      if (stopping_.is_set()) return;
      {
        const std::scoped_lock guard(shared_.lock());
        total_.set(sum_of(shared_.span()));
      }
      answered_.release();
    }
  }

  onecopy::Array<Number> shared_;
  onecopy::Semaphore filled_{0};
  onecopy::Semaphore answered_{0};
  onecopy::Value<Number> total_;
  onecopy::Event stopping_;
  onecopy::Process process_;
};

// -- what is measured -----------------------------------------------------------------------------

struct Measured {
  std::vector<Number> totals;
  double seconds;
};

// Every call sends different contents, so that an array that arrived late or half would show.
void change(Numbers& numbers, std::size_t call) {
  numbers[call % numbers.size()] += static_cast<Number>(call) + 1;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

template <class Over>
Measured ask_anew(Numbers& numbers, std::size_t calls) {
  std::vector<Number> totals;
  const Clock::time_point begin = Clock::now();
  for (std::size_t call = 0; call < calls; ++call) {
    change(numbers, call);
    Over channel(numbers.size());
    totals.push_back(channel.ask(numbers));
    channel.close();
  }
  return {std::move(totals), seconds_since(begin)};
}

template <class Over>
Measured ask_kept(Numbers& numbers, std::size_t calls) {
  std::vector<Number> totals;
  Over channel(numbers.size());
  channel.ask(numbers);  // waits until the child has started: not timed
  const Clock::time_point begin = Clock::now();
  for (std::size_t call = 0; call < calls; ++call) {
    change(numbers, call);
    totals.push_back(channel.ask(numbers));
  }
  const double seconds = seconds_since(begin);
  channel.close();
  return {std::move(totals), seconds};
}

struct Case {
  const char* name;
  Measured (*measure)(Numbers& numbers, std::size_t calls);
};
constexpr Case kCases[] = {
    {"Pipe, made anew", ask_anew<OverPipe>},   {"Queue, made anew", ask_anew<OverQueue>},
    {"Array, made anew", ask_anew<OverArray>}, {"Pipe, kept", ask_kept<OverPipe>},
    {"Queue, kept", ask_kept<OverQueue>},      {"Array, kept", ask_kept<OverArray>},
};

Numbers random_numbers(unsigned long size, unsigned long seed) {
  std::mt19937_64 generator(seed);
  Numbers numbers(size);
  for (Number& number : numbers) number = static_cast<Number>(generator() % 1'000'000);
  return numbers;
}

// What the children must answer: call number i adds i + 1 to what was there before.
std::vector<Number> expected_totals(const Numbers& numbers, std::size_t calls) {
  Number total = sum_of(numbers);
  std::vector<Number> totals;
  for (std::size_t call = 0; call < calls; ++call) {
    total += static_cast<Number>(call) + 1;
    totals.push_back(total);
  }
  return totals;
}

struct Options {
  unsigned long size = 100'000;
  unsigned long calls = 30;
  unsigned long seed = 1;
};

constexpr const char* kUsage =
    "usage: s0_pipe_queue_array [--size N] [--calls N] [--seed N]\n"
    "  --size   elements (100000)\n"
    "  --calls  calls per measurement (30); too few make the ranking a matter of luck\n"
    "  --seed   of the array's contents (1)\n";

// Says what is wrong with the arguments; nothing where nothing is.
std::optional<std::string> parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; i += 2) {
    const std::string name = arguments[i];
    unsigned long* target = name == "--size"    ? &options.size
                            : name == "--calls" ? &options.calls
                            : name == "--seed"  ? &options.seed
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

// Whether all answers were right.
bool run(const Case& one, const Options& options) {
  Numbers numbers = random_numbers(options.size, options.seed);
  const std::vector<Number> expected = expected_totals(numbers, options.calls);
  const auto [totals, seconds] = one.measure(numbers, options.calls);
  std::printf("answer: %s: %zu arrays of %lu elements, last sum %lld\n", one.name, totals.size(),
              options.size, static_cast<long long>(totals.back()));
  std::printf("time:   %s: %.3f s, %.1f calls per second\n", one.name, seconds,
              static_cast<double>(options.calls) / seconds);
  const auto [wrong, right] = std::mismatch(totals.begin(), totals.end(), expected.begin());
  if (wrong == totals.end()) return true;
  std::fprintf(stderr, "WRONG: %s: call %td gave the sum %lld, and %lld was sent\n", one.name,
               wrong - totals.begin(), static_cast<long long>(*wrong),
               static_cast<long long>(*right));
  return false;
}

int main(int count, char** arguments) {
  Options options;
  if (count > 1 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (const auto wrong = parse(count, arguments, options)) {
    std::fprintf(stderr, "%ss0_pipe_queue_array: error: %s\n", kUsage, wrong->c_str());
    return 2;
  }
  bool right = true;
  for (const Case& one : kCases) {
    try {
      right = run(one, options) && right;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "FAILED: %s: %s\n", one.name, error.what());
      return 1;
    }
  }
  return right ? 0 : 1;
}
