// A callable that a worker cannot be sent: what it refers to is the caller's own.
// Says: capture onecopy::inherited.object. for what was made before the pool
#include <vector>

#include <onecopy/pool.hpp>

std::vector<int> scale(onecopy::Pool& pool, const std::vector<int>& numbers, int factor) {
  return pool.map([&](int number) { return number * factor; }, numbers);
}
