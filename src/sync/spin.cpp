#include "sync/spin.hpp"

#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "os/cpu.hpp"

namespace onecopy::sync {
namespace {

// How many spins an answer of the kernel is believed for: a program may change its processors.
constexpr int kBelieved = 1024;

// A thread that is kept on a processor of its own waits for others that run elsewhere.
bool any_member_runs_elsewhere() noexcept {
  if (!memory::in_family()) return false;
  const std::uint32_t count = memory::member_count();
  for (memory::Slot slot = 0; slot < count; ++slot) {
    const int process = memory::is_taken(slot) ? memory::pid_of(slot) : 0;
    if (process != 0 && os::may_run_elsewhere(process)) return true;
  }
  return false;
}

}  // namespace

bool spinning_can_help() noexcept {
  thread_local int left = 0;
  thread_local bool answer = false;
  if (left-- <= 0) {
    answer = os::usable_cpu_count() > 1 || any_member_runs_elsewhere();
    left = kBelieved;
  }
  return answer;
}

void spin_step() noexcept { os::pause(); }

}  // namespace onecopy::sync
