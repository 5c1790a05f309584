// Sums the arrays of a Python program: see producer.py beside this file.
//
//   worker DOOR

#include <chrono>
#include <cstdio>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <onecopy/family.hpp>
#include <onecopy/names.hpp>
#include <onecopy/queue.hpp>

// In Python a tuple of an int and an array, and None at the end.
using Frame = std::optional<std::pair<int, std::vector<double>>>;
using Sum = std::pair<int, double>;

int work(const char* door) {
  using namespace std::chrono_literals;
  onecopy::family::join(door, 60s).value_or_throw();
  auto frames = onecopy::find_for<onecopy::Queue<Frame>>("frames", 60s).value_or_throw();
  auto sums = onecopy::find_for<onecopy::Queue<Sum>>("sums", 60s).value_or_throw();
  while (const Frame frame = frames.get()) {
    const auto& [number, values] = *frame;
    sums.put({number, std::accumulate(values.begin(), values.end(), 0.0)});
  }
  return 0;
}

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: worker DOOR\n");
    return 2;
  }
  try {
    return work(arguments[1]);
  } catch (const onecopy::Exception& error) {
    std::fprintf(stderr, "worker: %s\n", error.what());
    return 1;
  }
}
