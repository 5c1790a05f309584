// The processes of include/onecopy/spawn.hpp, and what a program does that was started as one.
#include <onecopy/spawn.hpp>

#include <cstdlib>
#include <utility>

#include "process/call.hpp"
#include "process/process_state.hpp"
#include "process/start_call.hpp"
#include "process/template_serving.hpp"

namespace onecopy {

Result<Process> detail::Spawning::start(ProcessOptions options, const Callable& callable,
                                        ValueWrite arguments) {
  process::OutgoingCall call;
  if (auto put = call.put(options.name, callable, arguments); !put) return std::move(put).failure();
  auto child = process::start_call(call, {.daemon = options.daemon});
  if (!child) return std::move(child).failure();
  return Process(
      make_unique_pointer<Process::State>(Process::State{std::move(*child), std::move(options)}));
}

void run_spawned() {
  process::note_beginning();
  const auto call = process::take_call();
  const auto line = process::take_template_line();
  if (!call) return;
  if (line) process::run_template(*call, *line);
  std::exit(process::run_taken_call(*call));
}

}  // namespace onecopy
