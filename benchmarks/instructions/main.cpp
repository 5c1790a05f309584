// What the operations of the C++ library cost in instructions, which is the same on a busy machine
// and on an idle one. tools/instructions.sh runs it under callgrind and compares with a baseline.
//
//   counted_operations
//
// prints how often each operation is done. One process does both sides of each, so that nobody
// waits.
#include <cstdio>

#include "counted.hpp"

int main() {
  using namespace onecopy::instructions;
  std::printf("%d\n", kTimes);
  // What is taken off the others: the loop itself.
  count("loop", [] { asm volatile("" : : : "memory"); });
  count_queues();
  count_pipes();
  count_locks();
  count_elements();
  count_tasks();
  return 0;
}
