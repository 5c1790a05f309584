// A template, as the process has it that started it: a clean process of this program that forks
// others (process/template_serving.hpp).
//
// Any thread may ask it for a child; other processes, forked children too, are refused. A template
// that dies, at any instruction, leaves the children that there are; who waits for one is told that
// there is none. When this process ends the template is killed, by its lifeline.
#pragma once

#include <memory>
#include <mutex>
#include <span>

#include <onecopy/error.hpp>

#include "os/own_descriptors.hpp"
#include "process/call.hpp"
#include "process/child.hpp"

namespace onecopy::process {

inline constexpr const char* kTemplate = "ONECOPY_TEMPLATE";  // the number of its line

// What the template is asked, beside the line that it is to tell over and, of a daemon, the end of
// the lifeline.
struct ForkRequest {
  channel::Name channel;  // where the call is
};
static_assert(sizeof(ForkRequest) == 8);

class TemplateProcess {
 public:
  // Starts one, which first does what the call says; waits until that is done. Error::closed: it
  // ended before that, or with an exit code.
  static Result<std::shared_ptr<TemplateProcess>> start(OutgoingCall& prepare);

  TemplateProcess(Child child, os::OwnDescriptor line) noexcept;
  // Kills it. Its children live on, but how they end is told to nobody any more: so they hold it.
  ~TemplateProcess();
  TemplateProcess(const TemplateProcess&) = delete;
  TemplateProcess& operator=(const TemplateProcess&) = delete;

  pid_t pid() const noexcept { return child_.pid(); }

  // Error::closed: it is another process's.
  Result<void> check_owner() const;
  // Has it fork a child that does what the call says. Error::closed: the template is dead. Only for
  // its owner.
  static Result<Child> fork(std::shared_ptr<TemplateProcess> from, OutgoingCall& call, bool daemon);

 private:
  Result<void> ask(const OutgoingCall& call, std::span<const int> descriptors);
  Failure why_silent();

  const pid_t owner_;
  Child child_;
  os::OwnDescriptor line_;
  std::mutex mutex_;  // over asking, and over looking how it ended
};

}  // namespace onecopy::process
