// A put and the get of the same value.
#include <onecopy/queue.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <onecopy/shared.hpp>

#include "counted.hpp"

namespace onecopy::instructions {
namespace {

struct Frame {
  std::array<std::byte, 1024> bytes;
};

template <class T>
void count_queue(const char* name, const T& value, std::size_t maximum = 0) {
  Queue<T> queue(maximum);
  count(name, [&] {
    queue.put(value);
    static_cast<void>(queue.get());
  });
  if (!queue.empty()) std::abort();
}

}  // namespace

void count_queues() {
  count_queue("queue-int", std::uint64_t{12345});
  count_queue("queue-int-bounded", std::uint64_t{12345}, 100);
  count_queue("queue-frame-1KiB", Frame{});
  count_queue("queue-string", std::string("a string that is somewhat longer"));
  // In a block of its own.
  count_queue("queue-vector-8KiB", std::vector<double>(1024));
  count_queue("queue-shared", Shared<double>(1024));
}

}  // namespace onecopy::instructions
