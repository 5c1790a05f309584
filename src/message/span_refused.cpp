// A std::span has nothing to look at where it arrives.
// Says: a std::span cannot be received: receive a std::vector, which owns its elements
#include <span>

#include <onecopy/queue.hpp>

void send(onecopy::Queue<std::span<const double>>& queue, std::span<const double> numbers) {
  queue.put(numbers);
}

std::span<const double> receive(onecopy::Queue<std::span<const double>>& queue) {
  return queue.get();
}
