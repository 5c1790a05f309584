// A child of this process, forked or started afresh, or one that its template has forked for it:
// whether it lives, and how it ended.
//
// One thread at a time may use a Child, and only the process that started it learns anything: to
// others, its own forked children too, every question is answered with Error::closed. A Child that
// is thrown away leaves its process alone; only the lifeline is let go, which ends a daemon.
#pragma once

#include <memory>
#include <optional>

#include <sys/types.h>

#include <onecopy/error.hpp>

#include "os/child_process.hpp"
#include "os/clock.hpp"
#include "os/descriptor.hpp"
#include "os/own_descriptors.hpp"
#include "os/process_identity.hpp"
#include "process/report.hpp"

namespace onecopy::process {

class TemplateProcess;

class Child {
 public:
  // `lifeline` is the kept end of the child's lifeline, -1: it has none.
  Child(pid_t pid, int lifeline) noexcept;
  // One that the template has forked, of which `line` tells more than the first report.
  Child(const Report& first, int lifeline, os::OwnDescriptor line,
        std::shared_ptr<TemplateProcess> from);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const noexcept { return pid_; }

  // Waits for its end: the exit code, or minus the signal. What the dead held is taken back then.
  // Errors: timed_out; closed where somebody else collected it (or nobody may: see above).
  Result<int> join(os::Deadline deadline);
  // Whether it still runs, without waiting.
  bool alive() { return join(os::Deadline::at(0)).error() == Error::timed_out; }
  // Error::closed when it has ended.
  Result<void> signal(int number) noexcept;
  // A descriptor that is readable when it has ended; it belongs to the Child.
  Result<int> watch();

 private:
  bool is_ours() const noexcept;
  Result<int> collect(os::Deadline deadline);
  Result<int> hear_of_end(os::Deadline deadline);

  pid_t pid_;
  pid_t parent_;
  os::ProcessIdentity identity_;
  int lifeline_;
  os::Descriptor watched_;
  std::optional<Result<int>> ended_;
  os::OwnDescriptor line_;
  std::shared_ptr<TemplateProcess> from_;  // lives until it has told
  bool seen_dead_ = false;                 // and waited for the template to tell
};

}  // namespace onecopy::process
