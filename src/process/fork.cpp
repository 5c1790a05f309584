#include "process/fork.hpp"

#include <cstdio>
#include <exception>
#include <iostream>

#include "memory/family.hpp"
#include "os/lifeline.hpp"
#include "os/system.hpp"
#include "process/lifelines.hpp"

namespace onecopy::process {
namespace {

void flush_output() noexcept {
  for (std::ostream* stream : {&std::cout, &std::cerr, &std::clog}) {
    // Through the buffer: the stream itself may have been asked to throw.
    if (stream->rdbuf() != nullptr) stream->rdbuf()->pubsync();
  }
  std::fflush(nullptr);
}

void report(const std::string& name, const char* what) noexcept {
  std::fprintf(stderr, "onecopy: process %d%s%s ended by an uncaught exception: %s\n",
               os::process_id(), name.empty() ? "" : ", ", name.c_str(), what);
}

[[noreturn]] void run_child(int (*body)(void*), void* argument, const std::string& name,
                            int lifeline) noexcept {
  int code = 1;
  Result<void> armed;
  if (lifeline >= 0) armed = os::arm_lifeline(lifeline);
  if (!armed) {
    report(name, armed.failure().text().c_str());
    os::exit_now(1);
  }
  try {
    code = body(argument);
  } catch (const std::exception& exception) {
    report(name, exception.what());
  } catch (...) {
    report(name, "of a type that is no std::exception");
  }
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
  std::pair<int, int> lifeline{-1, -1};
  if (daemon) {
    auto made = make_lifeline();
    if (!made) return std::move(made).failure();
    lifeline = *made;
  }
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
