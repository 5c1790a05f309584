// Counting the instructions of one operation: under callgrind, the operation is done many times
// with the counting on, and callgrind writes down the sum under the operation's name.
//
// For one thread at a time. Without callgrind the operations are merely done.
#pragma once

#include <valgrind/callgrind.h>

namespace onecopy::instructions {

// So often that what happens once in many operations (a further segment of a channel) has its share
// in the sum, whatever went before.
inline constexpr int kTimes = 20'000;
inline constexpr int kWarmUp = 2'000;

inline void start_counting() {
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
}

inline void stop_counting(const char* name) {
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(name);
}

template <class Operation>
void count(const char* name, const Operation& operation) {
  for (int i = 0; i < kWarmUp; ++i) operation();
  start_counting();
  for (int i = 0; i < kTimes; ++i) operation();
  stop_counting(name);
}

// Each file has those of one concept.
void count_queues();
void count_pipes();
void count_locks();
void count_elements();
void count_tasks();

}  // namespace onecopy::instructions
