// Threads that wait until they are asked to stop, and tokens that have been. For tests only.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>
#include <utility>

#include <unistd.h>

#include "os/testing.hpp"

namespace onecopy::testing {

// A stop was asked for already.
inline std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

// A thread that does `wait` with its token, and sleeps.
template <class Wait>
std::jthread start_sleeper(Wait wait) {
  std::atomic<pid_t> id = 0;
  std::jthread thread([&id, wait = std::move(wait)](const std::stop_token& stop) {
    id.store(gettid());
    wait(stop);
  });
  while (id.load() == 0) {
  }
  os::testing::wait_until_asleep(id.load());
  return thread;
}

// Asks it, and waits for its end.
inline void stop(std::jthread& thread) {
  thread.request_stop();
  thread.join();
}

}  // namespace onecopy::testing
