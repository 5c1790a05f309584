#include "process/child.hpp"

#include <utility>

#include "memory/family.hpp"
#include "os/system.hpp"
#include "process/lifelines.hpp"

namespace onecopy::process {

Child::Child(pid_t pid, int lifeline) noexcept
    : pid_(pid), parent_(os::process_id()), identity_{}, lifeline_(lifeline) {
  // Nobody but us collects it, so it can be identified, as a zombie at the latest.
  if (auto identity = os::identify_process(pid)) identity_ = *identity;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      parent_(other.parent_),
      identity_(other.identity_),
      lifeline_(std::exchange(other.lifeline_, -1)),
      watched_(std::move(other.watched_)),
      ended_(std::move(other.ended_)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(parent_, other.parent_);
  std::swap(identity_, other.identity_);
  std::swap(lifeline_, other.lifeline_);
  std::swap(watched_, other.watched_);
  std::swap(ended_, other.ended_);
  return *this;
}

Child::~Child() {
  if (lifeline_ >= 0 && is_ours()) close_lifeline(lifeline_);
}

bool Child::is_ours() const noexcept { return pid_ != 0 && os::process_id() == parent_; }

Result<int> Child::join(os::Deadline deadline) {
  if (!is_ours()) return Failure{Error::closed, 0, "only the process that started it can join it"};
  if (ended_) return *ended_;
  auto status = os::wait_process(pid_, deadline);
  while (status.error() == Error::interrupted) status = os::wait_process(pid_, deadline);
  if (status.error() == Error::timed_out) return Error::timed_out;
  if (status) {
    ended_ = status->as_exit_code();
  } else {
    ended_ = Failure{Error::closed, status.failure().system_errno,
                     "how the process ended was collected by somebody else"};
  }
  if (lifeline_ >= 0) close_lifeline(std::exchange(lifeline_, -1));
  memory::reclaim_dead();
  return *ended_;
}

Result<void> Child::signal(int number) noexcept {
  if (!is_ours() || ended_) return Error::closed;
  return os::send_signal(identity_, number);
}

Result<int> Child::watch() {
  if (!is_ours()) return Failure{Error::closed, 0, "only the process that started it can watch it"};
  if (!watched_) {
    if (ended_) return Failure{Error::closed, 0, "the process has ended"};
    auto opened = os::open_pidfd(pid_);
    if (!opened) return std::move(opened).failure();
    watched_ = std::move(opened).value();
  }
  return watched_.get();
}

}  // namespace onecopy::process
