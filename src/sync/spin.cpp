#include "sync/spin.hpp"

#include "os/cpu.hpp"

namespace onecopy::sync {
namespace {

// How many spins an answer of the kernel is believed for: a program may change its processors.
constexpr int kBelieved = 1024;

}  // namespace

bool spinning_can_help() noexcept {
  thread_local int left = 0;
  thread_local bool answer = false;
  if (left-- <= 0) {
    answer = os::usable_cpu_count() > 1;
    left = kBelieved;
  }
  return answer;
}

void spin_step() noexcept { os::pause(); }

}  // namespace onecopy::sync
