// Yardsticks: what the machine can do at best, in C++ and without the engine.
//
//   handoff BYTES...
//
// prints, as JSON, the round trip of one word between two forked processes, both spinning and both
// sleeping in a futex, each on a core of its own; one warm copy of so many bytes; and an echo of
// them: one process copies them into shared memory, the other, on another core, copies them on to
// another place, as a message that is sent and sent back must be copied by whoever keeps its own.
// The better of ordinary and streaming stores counts. Times are in nanoseconds: the median of
// several rounds, and the extremes.

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
#include <string>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

constexpr int kRounds = 15;
// An echo takes five times its bytes of memory.
constexpr std::size_t kLargestEcho = 100'000'000;

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

// How long a call takes, over several rounds of so many.
template <typename Call>
Spread measured(int calls, const Call& call) {
  std::vector<double> values;
  for (int round = 0; round <= kRounds; ++round) {
    const double begin = now();
    for (int done = 0; done < calls; ++done) call();
    // The first round only brings the child up and the caches in.
    if (round > 0) values.push_back((now() - begin) / calls);
  }
  return spread_of(values);
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

  std::uint32_t number = 0;
  const Spread spread = measured(calls, [&] {
    ++number;
    Waiting::tell(table->question, number);
    Waiting::wait_while(table->answer, number - 1);
  });
  waitpid(child, nullptr, 0);
  munmap(shared, sizeof(Table));
  return spread;
}

Spread warm_copy(std::size_t bytes) {
  std::vector<char> source(bytes, 1);
  std::vector<char> target(bytes, 2);
  const int calls = static_cast<int>(std::max<std::size_t>(1, 16'000'000 / bytes));
  return measured(calls, [&] {
    std::memcpy(target.data(), source.data(), bytes);
    // Tells the compiler that somebody looks at the copy, so that it is made.
    asm volatile("" : : "r"(target.data()) : "memory");
  });
}

void copy_streaming(char* to, const char* from, std::size_t bytes) {
#if defined(__SSE2__)
  for (std::size_t at = 0; at + 16 <= bytes; at += 16) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + at),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)));
  }
  _mm_sfence();
#else
  std::memcpy(to, from, bytes);
#endif
}

void copy_ordinary(char* to, const char* from, std::size_t bytes) { std::memcpy(to, from, bytes); }

// Two places for the questions and two for the answers, as where the last message is still held
// when the next is written.
Spread echo(const cpu_set_t& allowed, std::size_t bytes,
            void (*copy)(char*, const char*, std::size_t)) {
  const std::size_t place = (bytes + 4095) / 4096 * 4096;
  void* shared = mmap(nullptr, sizeof(Table) + 4096 + 4 * place, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("mmap");
  Table* table = new (shared) Table;
  char* questions = static_cast<char*>(shared) + 4096;
  char* answers = questions + 2 * place;
  std::memset(questions, 1, 4 * place);
  const std::vector<char> source(bytes, 1);
  const auto calls = static_cast<int>(std::max<std::size_t>(2, 80'000'000 / bytes));
  const auto total = static_cast<std::uint32_t>(calls * (kRounds + 1));

  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    move_to_core(allowed, 1);
    for (std::uint32_t number = 1; number <= total; ++number) {
      Spinning::wait_while(table->question, number - 1);
      copy(answers + number % 2 * place, questions + number % 2 * place, bytes);
      Spinning::tell(table->answer, number);
    }
    _exit(0);
  }
  std::uint32_t number = 0;
  const Spread spread = measured(calls, [&] {
    ++number;
    copy(questions + number % 2 * place, source.data(), bytes);
    Spinning::tell(table->question, number);
    Spinning::wait_while(table->answer, number - 1);
  });
  waitpid(child, nullptr, 0);
  munmap(shared, sizeof(Table) + 4096 + 4 * place);
  return spread;
}

Spread best_echo(const cpu_set_t& allowed, std::size_t bytes) {
  const Spread ordinary = echo(allowed, bytes, copy_ordinary);
  const Spread streaming = echo(allowed, bytes, copy_streaming);
  return ordinary.median < streaming.median ? ordinary : streaming;
}

// The numbers of bytes on the command line, each with its figure.
template <typename Measure>
void print_sizes(const char* name, const std::vector<std::size_t>& sizes, const Measure& measure) {
  std::printf(", \"%s\": {", name);
  const char* separator = "";
  for (const std::size_t bytes : sizes) {
    std::printf("%s", separator);
    print(std::to_string(bytes).c_str(), measure(bytes));
    separator = ", ";
  }
  std::printf("}");
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::size_t> sizes;
  for (int index = 1; index < argc; ++index) {
    const auto bytes = std::strtoull(argv[index], nullptr, 10);
    if (bytes == 0) {
      std::fprintf(stderr, "handoff: not a number of bytes: %s\n", argv[index]);
      return 2;
    }
    sizes.push_back(bytes);
  }
  const cpu_set_t allowed = allowed_cores();
  move_to_core(allowed, 0);
  std::printf("{");
  print("sleeping", round_trip<Sleeping>(allowed, 1'000));
  print_sizes("copies", sizes, warm_copy);
  if (CPU_COUNT(&allowed) > 1) {  // on one core a spinning side keeps the other from running
    std::printf(", ");
    print("spinning", round_trip<Spinning>(allowed, 20'000));
    std::erase_if(sizes, [](std::size_t bytes) { return bytes > kLargestEcho; });
    print_sizes("echoes", sizes, [&](std::size_t bytes) { return best_echo(allowed, bytes); });
  }
  std::printf("}\n");
  return 0;
}
