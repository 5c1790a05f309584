// The pool of include/onecopy/pool.hpp and the futures of include/onecopy/future.hpp.
#include <onecopy/pool.hpp>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>

#include "os/cpu.hpp"
#include "pool/dispatcher.hpp"

namespace onecopy {

using detail::Dispatcher;

// -- results --------------------------------------------------------------------------------------

TaskError::TaskError(Failure failure, std::string type)
    : Exception(std::move(failure)),
      type_(detail::make_shared_pointer<const std::string>(std::move(type))) {}
TaskError::~TaskError() = default;

WorkerDied::WorkerDied(Failure failure, int pid, int exit_code)
    : Exception(std::move(failure)), pid_(pid), exit_code_(exit_code) {}
WorkerDied::~WorkerDied() = default;

namespace detail {
namespace {

os::Deadline deadline_of(std::int64_t wait) noexcept {
  return wait == kForever ? os::Deadline::never() : os::Deadline::after(wait);
}

}  // namespace

Task::~Task() = default;

Result<bool> await(Dispatcher& dispatcher, Task& task, std::int64_t wait, Stop stop) {
  return dispatcher.wait(task, deadline_of(wait), stop);
}

void throw_failure_of(TaskFailure& failure) {
  switch (failure.failure.code) {
    case Error::task_failed:
      throw TaskError(std::move(failure.failure), std::move(failure.type));
    case Error::worker_died:
      throw WorkerDied(std::move(failure.failure), failure.pid, failure.exit_code);
    default:
      throw_failure(std::move(failure.failure));
  }
}

}  // namespace detail

// -- the pool -------------------------------------------------------------------------------------

namespace {

std::uint32_t usable_processors() noexcept {
  const double count = os::usable_cpu_count();
  const double quota = std::max(1.0, std::ceil(os::cgroup_cpu_quota()));
  return static_cast<std::uint32_t>(std::min(count, quota));
}

}  // namespace

Pool::Pool(detail::SharedPointer<Dispatcher> dispatcher) noexcept
    : dispatcher_(std::move(dispatcher)), exceptions_(std::uncaught_exceptions()) {}

Result<Pool> Pool::create(std::size_t workers) {
  const std::size_t most = std::numeric_limits<std::uint32_t>::max();
  auto made = Dispatcher::create(
      workers == 0 ? usable_processors() : static_cast<std::uint32_t>(std::min(workers, most)));
  if (!made) return std::move(made).failure();
  return Pool(std::move(*made));
}

Pool::Pool(Pool&& other) noexcept : Pool(std::move(other.dispatcher_)) {}

Pool& Pool::operator=(Pool&& other) noexcept {
  if (this != &other) {
    finish();
    dispatcher_ = std::move(other.dispatcher_);
  }
  return *this;
}

Pool::~Pool() { finish(); }

void Pool::finish() noexcept {
  if (dispatcher_ == nullptr) return;
  if (std::uncaught_exceptions() > exceptions_) {
    dispatcher_->terminate();
  } else {
    // In a forked child this returns at once.
    static_cast<void>(dispatcher_->join(os::Deadline::never()));
  }
  dispatcher_ = nullptr;
}

std::size_t Pool::workers() const noexcept { return dispatcher_->workers(); }

Result<void> Pool::put(const detail::Callable& callable, detail::ValueWrite arguments,
                       detail::SharedPointer<detail::Task> task) {
  return dispatcher_->submit(callable, arguments, std::move(task));
}

Result<void> Pool::wait_for_room() { return dispatcher_->wait_for_room(); }

void Pool::close() noexcept { dispatcher_->close(); }

Result<void> Pool::join_within(std::int64_t wait) {
  return dispatcher_->join(detail::deadline_of(wait));
}

void Pool::terminate() noexcept { dispatcher_->terminate(); }

}  // namespace onecopy
