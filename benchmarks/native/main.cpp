// Hand-offs between two processes, each on a core of its own: Onecopy's beside what else there is.
//
//   native_bench PARENT_CORE CHILD_CORE ROUNDS MILLISECONDS PYTHON ROW...
//
// PYTHON is an interpreter that has Onecopy's package and NumPy; only `joined` starts it.
// A ROW is KIND:BYTES, and with `moved` more sizes behind commas:
//   spinning:8       there and back, halved; who receives asks again and again
//   adaptive:1024    the same; who receives waits in the way that is each link's own
//   sleeping:8       one way, to a receiver that sleeps
//   flood:1024       many one way without waiting, and one back; each
//   moved:64,1024    adaptive, with memory that stays where it is
//   joined:8388608   an array that is asked for, from a process of C++ and from one of Python
//
// In each round every case has its turn, of so many milliseconds. For each row it prints a line of
// JSON: of each case its medians by round, a histogram, in nanoseconds, or why there is none. First
// of all comes a line with the versions, and what a reading of the clock takes, which is taken off.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include <boost/version.hpp>

#include "boost_link.hpp"
#include "cases.hpp"
#include "descriptor_links.hpp"
#include "joined.hpp"
#include "onecopy_links.hpp"
#include "posix_queue_link.hpp"
#include "word_link.hpp"
#include "zeromq_link.hpp"

namespace bench {
namespace {

using Cases = std::vector<std::unique_ptr<AnyCase>>;

struct Row {
  std::string kind;
  std::vector<std::size_t> sizes;
};

template <Link L, class Exchange>
void add(Cases& cases, const char* name, const Shape& shape) {
  cases.push_back(std::make_unique<Case<L, Exchange>>(name, shape));
}

template <class Exchange, class T>
void add_onecopy(Cases& cases, const Shape& shape) {
  add<QueueLink<T>, Exchange>(cases, "queue", shape);
  add<PipeLink<T>, Exchange>(cases, "pipe", shape);
}

template <class Exchange>
void add_all(Cases& cases, const Shape& shape) {
  if (shape.bytes == sizeof(Number)) {
    add_onecopy<Exchange, Number>(cases, shape);
  } else if (shape.bytes == 64) {
    add_onecopy<Exchange, Frame<64>>(cases, shape);
  } else if (shape.bytes == 1024) {
    add_onecopy<Exchange, Frame<1024>>(cases, shape);
  } else {
    add_onecopy<Exchange, Block>(cases, shape);
  }
  add<BoostLink, Exchange>(cases, "boost", shape);
  add<ZeroMqLink, Exchange>(cases, "zeromq", shape);
  add<PipesLink, Exchange>(cases, "system-pipe", shape);
  add<SocketLink, Exchange>(cases, "socket", shape);
  add<PosixQueueLink, Exchange>(cases, "posix-queue", shape);
}

Cases make_cases(const Row& row, const char* python) {
  Cases cases;
  const std::size_t bytes = row.sizes.at(0);
  if (row.kind == "spinning") {
    const Shape shape{bytes, 1, Waiting::spinning};
    add<WordLink, PingPong>(cases, "words", shape);
    add_all<PingPong>(cases, shape);
  } else if (row.kind == "adaptive") {
    add_all<PingPong>(cases, {bytes, 1, Waiting::blocking});
  } else if (row.kind == "sleeping") {
    const Shape shape{bytes, 1, Waiting::blocking};
    add<WordLink, Waking>(cases, "words", shape);
    add_all<Waking>(cases, shape);
  } else if (row.kind == "flood") {
    add_all<Flood>(cases, {bytes, 1000, Waiting::blocking});
  } else if (row.kind == "moved") {
    for (const std::size_t size : row.sizes) {
      add<QueueLink<Moved>, PingPong>(cases, "shared", {size, 1, Waiting::blocking});
    }
  } else if (row.kind == "joined") {
    cases.push_back(std::make_unique<AskingCpp>("cpp", bytes));
    cases.push_back(std::make_unique<AskingPython>("python", bytes, python));
  } else {
    throw std::invalid_argument("there is no kind of row " + row.kind);
  }
  return cases;
}

Row parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  Row row{std::string(text.substr(0, colon)), {}};
  while (colon != std::string_view::npos && !text.empty()) {
    text = row.sizes.empty() ? text.substr(colon + 1) : text.substr(1);
    const std::string number(text.substr(0, text.find(',')));
    const std::size_t bytes = std::strtoull(number.c_str(), nullptr, 10);
    if (bytes == 0 || bytes % 8 != 0) {
      throw std::invalid_argument("a size is a multiple of 8 bytes, not " + number);
    }
    row.sizes.push_back(bytes);
    text.remove_prefix(number.size());
  }
  if (row.sizes.empty()) throw std::invalid_argument("a row has a kind and a size");
  return row;
}

void print(const AnyCase& measured) {
  std::printf("{\"name\": \"%s\", \"bytes\": %zu, ", measured.name().c_str(), measured.bytes());
  if (!measured.unfit().empty()) {
    std::printf("\"unfit\": \"%s\"}", measured.unfit().c_str());
    return;
  }
  std::printf("\"rounds\": [");
  const char* separator = "";
  for (const double median : measured.samples().medians()) {
    std::printf("%s%.1f", std::exchange(separator, ", "), median);
  }
  std::printf("], \"largest\": %.1f, \"histogram\": [", measured.samples().largest());
  separator = "";
  for (const auto& [from, count] : measured.samples().histogram()) {
    std::printf("%s[%llu, %llu]", std::exchange(separator, ", "),
                static_cast<unsigned long long>(from), static_cast<unsigned long long>(count));
  }
  std::printf("]}");
}

void measure(Cases& cases, const std::string& kind, const Cores& cores, int rounds,
             Nanoseconds time, Nanoseconds clock) {
  const auto each = [&cases](const auto& act) {
    for (auto& one : cases) {
      if (one->unfit().empty()) act(*one);
    }
  };
  each([&](AnyCase& one) { one.start(cores); });
  g_children_stay = 1;
  each([&](AnyCase& one) { one.open(cores); });
  for (int i = 0; i < rounds; ++i) {
    each([&](AnyCase& one) { one.round(time, clock); });
  }
  g_children_stay = 0;
  each([](AnyCase& one) { one.end(); });

  std::printf("{\"kind\": \"%s\", \"cases\": [", kind.c_str());
  const char* separator = "";
  for (const auto& one : cases) {
    std::printf("%s", std::exchange(separator, ", "));
    print(*one);
  }
  std::printf("]}\n");
  std::fflush(stdout);
}

// What two readings in a row are apart, mostly.
Nanoseconds reading_of_clock() {
  std::vector<Nanoseconds> readings(10'001);
  for (Nanoseconds& reading : readings) {
    const Nanoseconds before = now();
    reading = now() - before;
  }
  std::sort(readings.begin(), readings.end());
  return readings[readings.size() / 2];
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  if (argc < 7) {
    std::fprintf(stderr, "usage: %s PARENT_CORE CHILD_CORE ROUNDS MILLISECONDS PYTHON ROW...\n",
                 argv[0]);
    return 2;
  }
  try {
    const Cores cores(std::atoi(argv[1]), std::atoi(argv[2]));
    cores.pin(Side::parent);
    std::signal(SIGCHLD, end_with_child);
    const Nanoseconds clock = reading_of_clock();
    int zeromq[3];
    zmq_version(&zeromq[0], &zeromq[1], &zeromq[2]);
    std::printf(
        "{\"Boost\": \"%s\", \"ZeroMQ\": \"%d.%d.%d\", \"ns taken off for the clock\": %lld}\n",
        BOOST_LIB_VERSION, zeromq[0], zeromq[1], zeromq[2], static_cast<long long>(clock));
    std::fflush(stdout);
    for (int i = 6; i < argc; ++i) {
      const Row row = parse(argv[i]);
      Cases cases = make_cases(row, argv[5]);
      measure(cases, row.kind, cores, std::atoi(argv[3]), std::atoll(argv[4]) * 1'000'000, clock);
    }
  } catch (const std::exception& reason) {
    std::fprintf(stderr, "native: %s\n", reason.what());
    _exit(1);  // the children are daemons
  }
  return 0;
}
