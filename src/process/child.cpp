#include "process/child.hpp"

#include <utility>

#include "memory/family.hpp"
#include "os/system.hpp"
#include "process/lifelines.hpp"

namespace onecopy::process {
namespace {

// A template tells of an end within moments, unless it is stopped: so long is that waited for,
// once.
constexpr os::Nanoseconds kTelling = os::kSecond;

// It is readable at once, and for good.
Result<os::Descriptor> readable_descriptor() {
  auto pair = os::stream_pair();
  if (!pair) return std::move(pair).failure();
  return std::move(pair->first);
}

}  // namespace

Child::Child(pid_t pid, int lifeline) noexcept
    : pid_(pid), parent_(os::process_id()), identity_{}, lifeline_(lifeline) {
  // Nobody but us collects it, so it can be identified, as a zombie at the latest.
  if (auto identity = os::identify_process(pid)) identity_ = *identity;
}

Child::Child(const Report& first, int lifeline, os::OwnDescriptor line,
             std::shared_ptr<TemplateProcess> from)
    : pid_(first.child.pid),
      parent_(os::process_id()),
      identity_(first.child),
      lifeline_(lifeline) {
  if (first.kind == Report::Kind::ended) {
    ended_ = code_in(first);
  } else {
    line_ = std::move(line);
    from_ = std::move(from);
  }
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      parent_(other.parent_),
      identity_(other.identity_),
      lifeline_(std::exchange(other.lifeline_, -1)),
      watched_(std::move(other.watched_)),
      ended_(std::move(other.ended_)),
      line_(std::move(other.line_)),
      from_(std::move(other.from_)),
      seen_dead_(other.seen_dead_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(parent_, other.parent_);
  std::swap(identity_, other.identity_);
  std::swap(lifeline_, other.lifeline_);
  std::swap(watched_, other.watched_);
  std::swap(ended_, other.ended_);
  std::swap(line_, other.line_);
  std::swap(from_, other.from_);
  std::swap(seen_dead_, other.seen_dead_);
  return *this;
}

Child::~Child() {
  if (lifeline_ >= 0 && is_ours()) close_lifeline(lifeline_);
}

bool Child::is_ours() const noexcept { return pid_ != 0 && os::process_id() == parent_; }

Result<int> Child::join(os::Deadline deadline) {
  if (!is_ours()) return Failure{Error::closed, 0, "only the process that started it can join it"};
  if (ended_) return *ended_;
  auto code = line_ ? hear_of_end(deadline) : collect(deadline);
  if (code.error() == Error::timed_out) return Error::timed_out;
  ended_ = std::move(code);
  line_.reset();
  from_ = nullptr;
  if (lifeline_ >= 0) close_lifeline(std::exchange(lifeline_, -1));
  memory::reclaim_dead();
  return *ended_;
}

Result<int> Child::collect(os::Deadline deadline) {
  auto status = os::wait_process(pid_, deadline);
  while (status.error() == Error::interrupted) status = os::wait_process(pid_, deadline);
  if (status) return status->as_exit_code();
  if (status.error() == Error::timed_out) return Error::timed_out;
  return Failure{Error::closed, status.failure().system_errno,
                 "how the process ended was collected by somebody else"};
}

Result<int> Child::hear_of_end(os::Deadline deadline) {
  auto report = hear(line_.get(), deadline);
  if (report.error() == Error::timed_out) {
    if (seen_dead_ || os::is_alive(identity_)) return Error::timed_out;
    seen_dead_ = true;
    // Whoever saw it end, by watch() say, is to find that it has.
    report = hear(line_.get(), os::Deadline::after(kTelling));
    if (report.error() == Error::timed_out) return Error::timed_out;
  }
  if (report) return code_in(*report);
  auto dead = os::wait_until_dead(identity_, deadline);
  while (dead.error() == Error::interrupted) dead = os::wait_until_dead(identity_, deadline);
  if (!dead) return Error::timed_out;
  // Ours to collect where this process inherits orphans: PID 1 of a container, say.
  if (const auto now = os::identify_process(pid_); now && *now == identity_) {
    if (const auto status = os::wait_process(pid_, os::Deadline::at(0))) {
      return status->as_exit_code();
    }
  }
  return Failure{
      Error::closed, 0,
      "how the process ended is not known: its template, which was to tell, ended before "
      "it did"};
}

Result<void> Child::signal(int number) noexcept {
  if (!is_ours() || ended_) return Error::closed;
  return os::send_signal(identity_, number);
}

Result<int> Child::watch() {
  if (!is_ours()) return Failure{Error::closed, 0, "only the process that started it can watch it"};
  if (!watched_) {
    if (ended_) return Failure{Error::closed, 0, "the process has ended"};
    auto opened = line_ ? os::open_pidfd(identity_) : os::open_pidfd(pid_);
    if (line_ && opened.error() == Error::closed) opened = readable_descriptor();
    if (!opened) return std::move(opened).failure();
    watched_ = std::move(opened).value();
  }
  return watched_.get();
}

}  // namespace onecopy::process
