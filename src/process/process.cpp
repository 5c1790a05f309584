// The processes of include/onecopy/process.hpp.
#include <onecopy/process.hpp>

#include <csignal>
#include <utility>

#include "process/fork.hpp"
#include "process/process_state.hpp"
#include "sync/wait.hpp"

namespace onecopy {

Result<Process> Process::start_body(detail::ProcessBody body, ProcessOptions options) {
  auto child = process::fork_child(body.run, body.callable, options.name, options.daemon);
  if (!child) return std::move(child).failure();
  return Process(
      detail::make_unique_pointer<State>(State{std::move(child).value(), std::move(options)}));
}

Process::Process() noexcept = default;
Process::Process(detail::UniquePointer<State> state) noexcept : state_(std::move(state)) {}
Process::Process(Process&&) noexcept = default;

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    finish();
    state_ = std::move(other.state_);
  }
  return *this;
}

Process::~Process() { finish(); }

void Process::finish() noexcept {
  if (!state_) return;
  if (state_->options.daemon) static_cast<void>(kill());
  // In a forked child, and where the end was collected already, this returns at once.
  static_cast<void>(join());
  state_ = nullptr;
}

bool Process::valid() const noexcept { return state_ != nullptr; }

int Process::pid() const noexcept { return state_ ? state_->child.pid() : 0; }

const std::string& Process::name() const noexcept {
  static const std::string none;
  return state_ ? state_->options.name : none;
}

Result<int> Process::join() { return join_within(detail::kForever); }

Result<int> Process::join_within(std::int64_t wait) {
  if (!state_) return Error::closed;
  return state_->child.join(wait == detail::kForever ? os::Deadline::never()
                                                     : os::Deadline::after(wait));
}

Result<int> Process::join_until(detail::Stop stop) {
  return sync::until_stopped(stop, [this](std::int64_t wait) { return join_within(wait); });
}

bool Process::alive() { return state_ != nullptr && state_->child.alive(); }

std::optional<int> Process::exit_code() {
  const Result<int> ended = join_within(0);
  return ended ? std::optional<int>(*ended) : std::nullopt;
}

Result<void> Process::kill() { return state_ ? state_->child.signal(SIGKILL) : Error::closed; }

Result<void> Process::terminate() { return state_ ? state_->child.signal(SIGTERM) : Error::closed; }

Result<int> Process::watch() {
  if (!state_) return Error::closed;
  return state_->child.watch();
}

}  // namespace onecopy
