// Yardsticks: what the machine can do at best, in C++ and without the engine.
//
//   handoff BYTES...
//
// prints, as JSON, the round trip of one word between two forked processes, both spinning and both
// sleeping in a futex, each on a core of its own, and one warm copy of so many bytes. Times are in
// nanoseconds: the median of several rounds, and the extremes.

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace {

constexpr int kRounds = 15;

double now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::nano>(since).count();
}

struct Spread {
  double median, low, high;
};

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

void print(const char* name, Spread spread) {
  std::printf("\"%s\": {\"median\": %.1f, \"low\": %.1f, \"high\": %.1f}", name, spread.median,
              spread.low, spread.high);
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// The two words, each on a cache line of its own: `question` is written by the parent only,
// `answer` by the child only. Number n in `answer` means that question n was seen.
struct alignas(128) Word {
  std::atomic<std::uint32_t> value{0};
};
struct Table {
  Word question;
  Word answer;
};

// Each pair of waiting and telling: how one side waits until the word is no longer `seen`, and how
// the other sets it. Release pairs with acquire, so that what was written before is seen after.
struct Spinning {
  static void wait_while(Word& word, std::uint32_t seen) {
    while (word.value.load(std::memory_order_acquire) == seen) {
    }
  }
  static void tell(Word& word, std::uint32_t value) {
    word.value.store(value, std::memory_order_release);
  }
};

struct Sleeping {
  static void wait_while(Word& word, std::uint32_t seen) {
    while (word.value.load(std::memory_order_acquire) == seen) {
      syscall(SYS_futex, &word.value, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
  }
  static void tell(Word& word, std::uint32_t value) {
    word.value.store(value, std::memory_order_release);
    syscall(SYS_futex, &word.value, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
};

cpu_set_t allowed_cores() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) fail("sched_getaffinity");
  return allowed;
}

void move_to_core(const cpu_set_t& allowed, int index) {
  const int wanted = index % CPU_COUNT(&allowed);
  for (int cpu = 0, found = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || found++ != wanted) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) fail("sched_setaffinity");
    return;
  }
}

template <typename Waiting>
Spread round_trip(const cpu_set_t& allowed, int calls) {
  void* shared =
      mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("mmap");
  Table* table = new (shared) Table;
  const auto total = static_cast<std::uint32_t>(calls * (kRounds + 1));

  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    move_to_core(allowed, 1);
    for (std::uint32_t number = 1; number <= total; ++number) {
      Waiting::wait_while(table->question, number - 1);
      Waiting::tell(table->answer, number);
    }
    _exit(0);
  }

  std::vector<double> values;
  std::uint32_t number = 0;
  for (int round = 0; round <= kRounds; ++round) {
    const double begin = now();
    for (int call = 0; call < calls; ++call) {
      ++number;
      Waiting::tell(table->question, number);
      Waiting::wait_while(table->answer, number - 1);
    }
    // The first round only brings the child up and the caches in.
    if (round > 0) values.push_back((now() - begin) / calls);
  }
  waitpid(child, nullptr, 0);
  munmap(shared, sizeof(Table));
  return spread_of(values);
}

Spread warm_copy(std::size_t bytes) {
  std::vector<char> source(bytes, 1);
  std::vector<char> target(bytes, 2);
  const int calls = static_cast<int>(std::max<std::size_t>(1, 16'000'000 / bytes));
  std::vector<double> values;
  for (int round = 0; round <= kRounds; ++round) {
    const double begin = now();
    for (int call = 0; call < calls; ++call) {
      std::memcpy(target.data(), source.data(), bytes);
      // Tells the compiler that somebody looks at the copy, so that it is made.
      asm volatile("" : : "r"(target.data()) : "memory");
    }
    if (round > 0) values.push_back((now() - begin) / calls);
  }
  return spread_of(values);
}

}  // namespace

int main(int argc, char** argv) {
  const cpu_set_t allowed = allowed_cores();
  move_to_core(allowed, 0);
  std::printf("{");
  if (CPU_COUNT(&allowed) > 1) {  // on one core a spinning side keeps the other from running
    print("spinning", round_trip<Spinning>(allowed, 20'000));
    std::printf(", ");
  }
  print("sleeping", round_trip<Sleeping>(allowed, 1'000));
  std::printf(", \"copies\": {");
  for (int index = 1; index < argc; ++index) {
    const auto bytes = std::strtoull(argv[index], nullptr, 10);
    if (bytes == 0) {
      std::fprintf(stderr, "handoff: not a number of bytes: %s\n", argv[index]);
      return 2;
    }
    if (index > 1) std::printf(", ");
    print(argv[index], warm_copy(bytes));
  }
  std::printf("}}\n");
  return 0;
}
