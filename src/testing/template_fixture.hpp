// What the tests of templates have their processes do. For tests only; such a program has a main()
// that begins with run_spawned().
#pragma once

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>

#include <unistd.h>

#include <gtest/gtest.h>
#include <onecopy/names.hpp>
#include <onecopy/queue.hpp>
#include <onecopy/template.hpp>

namespace onecopy::testing {

// How it ends.
inline int code_of(Result<Process> started) {
  EXPECT_TRUE(started) << started.failure().text();
  return started ? started->join().value_or_throw() : -1000;
}

// The system has no such process, not even as a zombie.
inline bool is_gone(pid_t process) { return kill(process, 0) != 0 && errno == ESRCH; }

inline int add(int a, int b) { return a + b; }
inline int sum(std::span<const double> numbers) {
  return static_cast<int>(std::accumulate(numbers.begin(), numbers.end(), 0.0));
}
inline void nothing() {}
inline void wait_for_ever() {
  for (;;) pause();
}

// Where processes say that they are there, and wait until they may end.
struct Meeting {
  Meeting() {
    publish("here", here).value_or_throw();
    publish("go", go).value_or_throw();
  }
  Queue<int> here;
  Queue<int> go;
};
inline void wait_until_let_go() {
  find<Queue<int>>("here").value_or_throw().put(getpid());
  find<Queue<int>>("go").value_or_throw().get();
}

}  // namespace onecopy::testing
