#include "process/fork.hpp"

#include "memory/family.hpp"
#include "os/lifeline.hpp"
#include "os/system.hpp"
#include "process/body.hpp"
#include "process/lifelines.hpp"

namespace onecopy::process {
namespace {

[[noreturn]] void run_child(int (*body)(void*), void* argument, const std::string& name,
                            int lifeline) noexcept {
  Result<void> armed;
  if (lifeline >= 0) armed = os::arm_lifeline(lifeline);
  if (!armed) {
    report_end(name, armed.failure().text().c_str());
    os::exit_now(1);
  }
  const int code = run_body(body, argument, name);
  flush_output();
  // No destructors of statics and no exit handlers: they are the parent's.
  os::exit_now(code);
}

}  // namespace

Result<Child> fork_child(int (*body)(void*), void* argument, const std::string& name, bool daemon) {
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  // The fork itself cannot refuse: a child that finds no place would learn it at its first message.
  auto place = memory::reserve_place();
  if (!place) return std::move(place).failure();
  memory::release_place(*place);
  const auto made = lifeline_for(daemon);
  if (!made) return made.failure();
  const std::pair<int, int> lifeline = *made;
  os::Descriptor childs_end(lifeline.second);
  // What is still in the buffers would be printed by both.
  flush_output();
  const Result<pid_t> pid = os::fork_process();
  if (pid && *pid == 0) run_child(body, argument, name, childs_end.release());
  memory::forked(pid ? *pid : -1);
  if (!pid) {
    close_lifeline(lifeline.first);
    return pid.failure();
  }
  return Child(*pid, lifeline.first);
}

}  // namespace onecopy::process
