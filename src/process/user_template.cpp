// The templates of include/onecopy/template.hpp.
#include <onecopy/template.hpp>

#include <memory>
#include <utility>

#include "process/call.hpp"
#include "process/process_state.hpp"
#include "process/template.hpp"

namespace onecopy {

struct Template::State {
  std::shared_ptr<process::TemplateProcess> process;
};

Result<Template> Template::start_call(const detail::Callable& callable,
                                      detail::ValueWrite arguments) {
  process::OutgoingCall call;
  if (auto put = call.put("template", callable, arguments); !put) return std::move(put).failure();
  auto started = process::TemplateProcess::start(call);
  if (!started) return std::move(started).failure();
  return Template(detail::make_unique_pointer<State>(State{std::move(*started)}));
}

Template::Template() noexcept = default;
Template::Template(detail::UniquePointer<State> state) noexcept : state_(std::move(state)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Result<Process> Template::fork_call(ProcessOptions options, const detail::Callable& callable,
                                    detail::ValueWrite arguments) {
  if (!state_) return Failure{Error::closed, 0, "there is no template"};
  if (auto ours = state_->process->check_owner(); !ours) return std::move(ours).failure();
  process::OutgoingCall call;
  if (auto put = call.put(options.name, callable, arguments); !put) return std::move(put).failure();
  auto child = process::TemplateProcess::fork(state_->process, call, options.daemon);
  if (!child) return std::move(child).failure();
  return Process(detail::make_unique_pointer<Process::State>(
      Process::State{std::move(*child), std::move(options)}));
}

bool Template::valid() const noexcept { return state_ != nullptr; }
int Template::pid() const noexcept { return state_ ? state_->process->pid() : 0; }

}  // namespace onecopy
