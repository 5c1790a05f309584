// The two cores that a measurement takes place on, and a clock that both sides read alike.
#pragma once

#include <sched.h>

#include <chrono>
#include <cstdint>
#include <system_error>

namespace bench {

using Nanoseconds = std::int64_t;

// Of the whole machine: both sides' readings may be compared.
inline Nanoseconds now() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

[[noreturn]] inline void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

enum class Side : std::uint8_t { parent, child };

class Cores {
 public:
  Cores(int parent, int child) : cores_{parent, child} {
    if (sched_getaffinity(0, sizeof all_, &all_) != 0) throw_errno("sched_getaffinity");
  }

  int of(Side side) const { return cores_[static_cast<int>(side)]; }

  // Keeps the calling thread, and what it starts, on the core of that side.
  void pin(Side side) const {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(of(side), &one);
    set(one);
  }
  // Lets it go where the program was allowed to.
  void unpin() const { set(all_); }

 private:
  static void set(const cpu_set_t& cpus) {
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) throw_errno("sched_setaffinity");
  }

  int cores_[2];
  cpu_set_t all_;
};

}  // namespace bench
