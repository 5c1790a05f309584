#include "process/template.hpp"

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "os/descriptor_passing.hpp"
#include "os/system.hpp"
#include "process/lifelines.hpp"
#include "process/report.hpp"
#include "process/start_call.hpp"

namespace onecopy::process {
namespace {

// Who hears nothing more of a template sees it dead within moments.
constexpr os::Nanoseconds kDying = os::kSecond;

// "with code 1", "by signal 9".
std::string manner_of(int code) {
  return code < 0 ? "by signal " + std::to_string(-code) : "with code " + std::to_string(code);
}

}  // namespace

TemplateProcess::TemplateProcess(Child child, os::OwnDescriptor line) noexcept
    : owner_(os::process_id()), child_(std::move(child)), line_(std::move(line)) {}

TemplateProcess::~TemplateProcess() {
  static_cast<void>(child_.signal(SIGKILL));
  static_cast<void>(child_.join(os::Deadline::never()));
}

Result<std::shared_ptr<TemplateProcess>> TemplateProcess::start(OutgoingCall& prepare) {
  auto pair = os::own_stream_pair();
  if (!pair) return std::move(pair).failure();
  auto& [line, its_line] = *pair;
  const int kept[] = {its_line.get()};
  auto child = start_call(
      prepare, {.daemon = true,
                .environment = {std::string(kTemplate) + "=" + std::to_string(its_line.get())},
                .descriptors = kept});
  if (!child) return std::move(child).failure();
  its_line.reset();
  auto made = std::make_shared<TemplateProcess>(std::move(*child), std::move(line));
  const auto ready = hear(made->line_.get(), os::Deadline::never());
  if (ready) return made;
  const auto code = made->child_.join(os::Deadline::never());
  return Failure{Error::closed, 0,
                 "the template ended before it was ready" + (code ? ", " + manner_of(*code) : "") +
                     ": the function that is to prepare it fails, or it was killed"};
}

Result<void> TemplateProcess::check_owner() const {
  if (os::process_id() == owner_) return {};
  return Failure{Error::closed, 0,
                 "only the process that started a template can start others from it"};
}

Result<void> TemplateProcess::ask(const OutgoingCall& call, std::span<const int> descriptors) {
  const ForkRequest request{call.name()};
  const std::lock_guard guard(mutex_);
  if (!os::is_own(line_.get())) return Error::broken_pipe;
  for (;;) {
    auto sent =
        os::send_descriptors(line_.get(), descriptors, std::as_bytes(std::span(&request, 1)));
    if (sent.error() != Error::interrupted) return sent;
  }
}

Failure TemplateProcess::why_silent() {
  const std::lock_guard guard(mutex_);
  const auto code = child_.join(os::Deadline::after(kDying));
  if (code.error() == Error::timed_out) {
    const bool leads_there = os::is_own(line_.get());
    return {leads_there ? Error::too_many : Error::closed, 0,
            leads_there ? "the template has too many files open to take what came with the call"
                        : "the program has closed what leads to the template"};
  }
  return {Error::closed, 0,
          "the template has ended" + (code ? " " + manner_of(*code) : "") +
              ": start another, by onecopy::Template::start()"};
}

Result<Child> TemplateProcess::fork(std::shared_ptr<TemplateProcess> from, OutgoingCall& call,
                                    bool daemon) {
  const auto made = lifeline_for(daemon);
  if (!made) return made.failure();
  const std::pair<int, int> lifeline = *made;
  os::Descriptor childs_end(lifeline.second);
  const auto fail = [&](Failure why) -> Result<Child> {
    close_lifeline(lifeline.first);
    return why;
  };
  auto pair = os::own_stream_pair();
  if (!pair) return fail(std::move(pair).failure());
  auto& [line, its_line] = *pair;
  std::vector<int> sent{its_line.get()};
  if (childs_end) sent.push_back(childs_end.get());
  if (const auto asked = from->ask(call, sent); !asked) {
    if (asked.error() == Error::broken_pipe) return fail(from->why_silent());
    return fail(asked.failure());
  }
  // Both are to be the template's alone, so that the line ends with it.
  its_line.reset();
  childs_end.reset();
  const auto report = hear(line.get(), os::Deadline::never());
  if (!report) return fail(from->why_silent());
  if (report->kind == Report::Kind::refused) return fail(refusal_in(*report));
  call.delivered();
  return Child(*report, lifeline.first, std::move(line), std::move(from));
}

}  // namespace onecopy::process
