#include "pool/dispatcher.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <utility>

#include "message/codec_state.hpp"
#include "pool/answer.hpp"
#include "pool/call.hpp"
#include "pool/serve.hpp"
#include "process/fork.hpp"
#include "sync/wait.hpp"

namespace onecopy::detail {

using channel::Contend;
using channel::Get;
using channel::Incoming;
using channel::Put;

namespace {

constexpr os::Nanoseconds kPulse = 50 * os::kMillisecond;  // between two looks at the workers
constexpr std::size_t kMostBytes = std::size_t{64} << 20;  // under way in a map()
constexpr std::size_t kTasksEach = 2;                      // under way, at least, in a map()
constexpr int kTakenInPassing = 2;                         // answers, by who submits

struct Answer {
  std::uint32_t number;  // the task's
  bool success;
};

// Everything the layout of answers says is here.
std::optional<Answer> read_verdict(Incoming& message) {
  const auto verdict = pool::cut_off_verdict(message);
  if (!verdict || !verdict->number) return std::nullopt;
  return Answer{*verdict->number, verdict->success};
}

Result<void> decode(const Incoming& message, const ValueRead& value) {
  if (message.kind != channel::Kind::value) return Error::corrupt;
  Decoder::State decoder(message.body, {.indices = message.blocks});
  return decoder.decode(value);
}

// A result whose Codec throws is one that cannot be read.
Result<void> decode_result(const Incoming& message, const ValueRead& value) {
  try {
    return decode(message, value);
  } catch (const std::bad_alloc&) {
    return Failure{Error::no_memory, 0, "there is no memory to read the result"};
  } catch (const std::exception& exception) {
    return Failure{Error::invalid, 0,
                   "the result cannot be read: " + std::string(exception.what())};
  } catch (...) {
    return Failure{Error::invalid, 0, "the result cannot be read"};
  }
}

std::size_t bytes_of(const channel::Outgoing& message) noexcept {
  std::size_t bytes = message.body.size();
  for (const memory::BlockIndex block : message.blocks) bytes += memory::block_length(block);
  return bytes;
}

std::string how_it_ended(int exit_code) {
  if (exit_code >= 0) return "exited with code " + std::to_string(exit_code);
  return "was killed by signal " + std::to_string(-exit_code) + " (" + strsignal(-exit_code) + ")";
}

}  // namespace

// -- making ---------------------------------------------------------------------------------------

Dispatcher::Dispatcher(pool::Crew crew) : crew_(std::move(crew)), children_(crew_.seat_count()) {
  next_look_ = os::now() + kPulse;
}

Result<SharedPointer<Dispatcher>> Dispatcher::create(std::uint32_t workers) {
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  auto crew = pool::Crew::create(workers);
  if (!crew) return std::move(crew).failure();
  auto made = make_shared_pointer<Dispatcher>(std::move(*crew));
  if (Result<void> filled = made->fill_seats(); !filled) {
    made->terminate();
    return std::move(filled).failure();
  }
  return made;
}

Result<void> Dispatcher::check_ours() const {
  if (is_ours()) return {};
  return Failure{Error::closed, 0, "only the process that made a pool may use it"};
}

// -- tasks ----------------------------------------------------------------------------------------

Result<void> Dispatcher::submit(const Callable& callable, ValueWrite arguments,
                                SharedPointer<Task> task) {
  if (Result<void> ours = check_ours(); !ours) return ours;
  if (!code_.has(reinterpret_cast<const void*>(callable.invoker)) ||
      (callable.function != nullptr && !code_.has(callable.function))) {
    return Failure{Error::invalid, 0,
                   "the function is in no library that was loaded when the pool was made: load it "
                   "before"};
  }
  Encoder::State state;
  if (Result<void> encoded = state.encode(arguments); !encoded) return encoded;
  pool::append_callee(state.buffer, callable);
  if (state.buffer.failed()) {
    return Failure{Error::no_memory, 0, "there is no memory to write the message"};
  }
  const channel::Outgoing message{
      .kind = channel::Kind::value, .body = state.buffer.span(), .blocks = state.blocks.span()};
  task->bytes = bytes_of(message);

  Lock lock(mutex_);
  // So that the answers that nobody waits for do not pile up.
  int passing = kTakenInPassing;
  if (!led_) lead(lock, [&] { return passing-- == 0 || !crew_.has_answer(); }, os::Deadline::at(0));
  // Nobody takes in its answer before it is known under its number: for that the lock is needed.
  Number number = 0;
  if (Result<void> put = this->put(message, number); !put) return put;
  state.delivered();
  bytes_ += task->bytes;
  tasks_.emplace(number, std::move(task));
  return {};
}

Result<void> Dispatcher::put(const channel::Outgoing& message, Number& number) {
  if (is_broken()) return broken_.failure;
  if (closing_) return Failure{Error::closed, 0, "the pool is closed: nothing can be submitted"};
  Put outcome = crew_.put(message, Contend::yes, number);
  while (outcome == Put::busy) outcome = crew_.put(message, Contend::yes, number);
  if (outcome == Put::done) return {};
  if (outcome == Put::no_memory) return channel::last_put_failure();
  return Error::closed;
}

bool Dispatcher::has_room() const noexcept {
  return is_broken() || closing_ || bytes_ < kMostBytes ||
         tasks_.size() < kTasksEach * crew_.seat_count();
}

Result<void> Dispatcher::wait_for_room() {
  if (Result<void> ours = check_ours(); !ours) return ours;
  Lock lock(mutex_);
  wait_until(lock, [this] { return has_room(); }, os::Deadline::never());
  return {};
}

Result<bool> Dispatcher::wait(Task& task, os::Deadline deadline, Stop stop) {
  if (Result<void> ours = check_ours(); !ours) return std::move(ours).failure();
  Lock lock(mutex_);
  return wait_until(lock, [&task] { return task.done; }, deadline, stop);
}

void Dispatcher::finish(Task& task, UniquePointer<TaskFailure> failure) noexcept {
  bytes_ -= task.bytes;
  task.failure = std::move(failure);
  task.done = true;
  if (followers_ != 0) changed_.notify_all();
}

void Dispatcher::fail_all(const TaskFailure& failure) {
  for (auto& [number, task] : std::exchange(tasks_, {})) {
    finish(*task, make_unique_pointer<TaskFailure>(failure));
  }
}

void Dispatcher::break_down(TaskFailure failure) {
  if (is_broken()) return;
  broken_ = std::move(failure);
  crew_.discard_tasks();
  fail_all(broken_);
}

// -- waiting --------------------------------------------------------------------------------------

// From here to the end of the scope, however that is left, this thread leads.
class Dispatcher::Leadership {
 public:
  Leadership(Dispatcher& dispatcher, Lock& lock) noexcept : dispatcher_(dispatcher), lock_(lock) {
    dispatcher_.led_ = true;
  }
  ~Leadership() {
    if (!lock_.owns_lock()) lock_.lock();
    dispatcher_.led_ = false;
    if (dispatcher_.followers_ != 0) dispatcher_.changed_.notify_all();
  }
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;

 private:
  Dispatcher& dispatcher_;
  Lock& lock_;
};

// Until `done`: true. False at the deadline, or where a stop is asked for.
template <class Done>
bool Dispatcher::wait_until(Lock& lock, const Done& done, os::Deadline deadline, Stop stop) {
  while (!done()) {
    if (!led_) return lead(lock, done, deadline, stop);
    if (sync::unless_stopped(deadline, stop).expired()) return false;
    ++followers_;
    changed_.wait_for(lock, std::chrono::nanoseconds(deadline.earlier_of(kPulse).remaining()));
    --followers_;
  }
  return true;
}

template <class Done>
bool Dispatcher::lead(Lock& lock, const Done& done, os::Deadline deadline, Stop stop) {
  const Leadership leadership(*this, lock);
  while (!done()) {
    lock.unlock();
    const os::Deadline until = sync::unless_stopped(deadline, stop);
    const bool took = take_in_one(until);
    if (os::now() >= next_look_) look_after_workers();
    lock.lock();
    if (!took && until.expired()) return done();
  }
  return true;
}

// Whether there was an answer. Waits until the next look at the workers at most.
bool Dispatcher::take_in_one(os::Deadline deadline) {
  Incoming answer;
  Get outcome = crew_.get(answer, Contend::yes);
  if (outcome == Get::empty && !deadline.expired()) {
    const os::Nanoseconds until = std::min(deadline.when(), next_look_);
    outcome = crew_.get_round(answer, os::Deadline::at(until));
  }
  switch (outcome) {
    case Get::done:
      take_in(answer);
      return true;
    case Get::empty:
    case Get::busy:
      return false;
    case Get::corrupt:
    case Get::closed:
      break;
  }
  const Lock lock(mutex_);
  break_down({{Error::corrupt, 0, "the answers of the pool cannot be read"}});
  return false;
}

void Dispatcher::take_in(Incoming& message) {
  struct Discard {
    Incoming& message;
    ~Discard() { message.discard(); }
  } discard{message};
  const std::optional<Answer> answer = read_verdict(message);
  if (!answer) return;
  SharedPointer<Task> task;
  {
    const Lock lock(mutex_);
    deaths_ = 0;
    if (auto found = tasks_.find(answer->number); found != tasks_.end()) task = found->second;
  }
  if (task == nullptr) return;
  TaskFailure failure;
  Result<void> read = decode_result(message, answer->success ? task->result : read_of(failure));
  if (!read) failure.failure = std::move(read).failure();
  const Lock lock(mutex_);
  // Unless it was failed in the meantime: then that holds.
  if (tasks_.erase(answer->number) == 0) return;
  finish(*task, failure.failure.code == Error::none
                    ? nullptr
                    : make_unique_pointer<TaskFailure>(std::move(failure)));
}

// -- workers --------------------------------------------------------------------------------------

Result<void> Dispatcher::fill_seats() {
  struct Seat {
    pool::Name name;
    std::uint32_t number;
  };
  for (std::uint32_t number = 0; number < crew_.seat_count(); ++number) {
    if (children_[number]) continue;
    Seat seat{crew_.name(), number};
    const auto work = [](void* argument) {
      const Seat& own = *static_cast<const Seat*>(argument);
      return pool::serve(own.name, own.number);
    };
    auto child = process::fork_child(work, &seat, "a worker of a pool", true);
    if (!child) return std::move(child).failure();
    children_[number].emplace(std::move(*child));
  }
  return {};
}

void Dispatcher::look_after_workers() {
  next_look_ = os::now() + kPulse;
  std::vector<Dead> dead;
  for (std::uint32_t seat = 0; seat < children_.size(); ++seat) {
    auto& child = children_[seat];
    if (child && !child->alive()) dead.push_back({seat, &*child, std::nullopt});
  }
  if (!dead.empty()) settle(dead);
  if (!std::ranges::all_of(children_, [](const auto& child) { return child.has_value(); })) {
    refill();
  }
}

// In the order that crew.hpp asks for.
void Dispatcher::settle(const std::vector<Dead>& found) {
  std::vector<Dead> dead = found;
  for (Dead& each : dead) {
    each.task = crew_.at(each.seat);
    if (each.task && !crew_.is_taken(*each.task)) each.task.reset();
  }
  for (std::uint32_t seat = 0; seat < children_.size(); ++seat) {
    if (std::ranges::any_of(dead, [seat](const Dead& each) { return each.seat == seat; })) continue;
    const auto at = crew_.at(seat);
    for (Dead& each : dead) {
      if (at && each.task == at) each.task.reset();
    }
  }
  while (take_in_one(os::Deadline::at(0))) {
  }
  for (const Dead& each : dead) lose(each);
}

void Dispatcher::lose(const Dead& dead) {
  const int pid = dead.child->pid();
  const Result<int> ended = dead.child->join(os::Deadline::at(0));
  // Where the program collects its children itself, nobody knows.
  const int exit_code = ended ? *ended : 0;
  const std::string worker = "the worker, process " + std::to_string(pid) + ", " +
                             (ended ? how_it_ended(exit_code) : "ended");
  crew_.clear_seat(dead.seat);
  children_[dead.seat].reset();

  const Lock lock(mutex_);
  const auto found = dead.task ? tasks_.find(*dead.task) : tasks_.end();
  if (found != tasks_.end()) {
    const SharedPointer<Task> task = std::move(found->second);
    tasks_.erase(found);
    finish(*task,
           make_unique_pointer<TaskFailure>(TaskFailure{
               {Error::worker_died, 0, worker + " while it did this task"}, {}, pid, exit_code}));
  }
  const bool left = closing_ && ended && exit_code == 0 && !dead.task;
  if (left) return;
  ++deaths_;
  if (deaths_ <= 8 + 2 * crew_.seat_count()) return;
  break_down({{Error::worker_died, 0,
               "the pool is broken: " + std::to_string(deaths_) +
                   " workers have died with no task done in between; " + worker},
              {},
              pid,
              exit_code});
}

void Dispatcher::refill() {
  {
    const Lock lock(mutex_);
    // Once it is closed, a worker leaves where nobody waits for it.
    if (is_broken() || (closing_ && crew_.waiting() == 0)) return;
  }
  const Result<void> filled = fill_seats();
  if (filled) return;
  // Tried again at the next look, as long as somebody works.
  const auto works = [](const auto& child) { return child.has_value(); };
  if (std::ranges::any_of(children_, works)) return;
  const Lock lock(mutex_);
  break_down(
      {{Error::worker_died, 0,
        "the pool is broken: no worker can be started any more: " + filled.failure().text()}});
}

// -- ending ---------------------------------------------------------------------------------------

void Dispatcher::close() noexcept {
  if (!is_ours()) return;
  const Lock lock(mutex_);
  if (closing_) return;
  closing_ = true;
  crew_.close();
}

Result<void> Dispatcher::join(os::Deadline deadline) {
  if (Result<void> ours = check_ours(); !ours) return ours;
  close();
  Lock lock(mutex_);
  if (!wait_until(lock, [this] { return tasks_.empty(); }, deadline)) return Error::timed_out;
  // They leave at once: nothing waits for them.
  const bool gone = lead_alone(lock, [&] {
    return std::ranges::all_of(children_, [&](std::optional<process::Child>& child) {
      return !child || child->join(deadline).error() != Error::timed_out;
    });
  });
  return gone ? Result<void>() : Error::timed_out;
}

void Dispatcher::terminate() noexcept {
  if (!is_ours()) return;
  close();
  Lock lock(mutex_);
  crew_.discard_tasks();
  fail_all({{Error::closed, 0, "the pool was terminated before this task was done"}});
  lead_alone(lock, [&] {
    for (auto& child : children_) {
      if (child) static_cast<void>(child->signal(SIGKILL));
    }
    for (auto& child : children_) {
      if (child) static_cast<void>(child->join(os::Deadline::never()));
    }
    return true;
  });
}

// Nobody leads for long: there is nothing to wait for any more.
template <class Act>
bool Dispatcher::lead_alone(Lock& lock, const Act& act) {
  ++followers_;
  while (led_) changed_.wait(lock);
  --followers_;
  const Leadership leadership(*this, lock);
  lock.unlock();
  return act();
}

}  // namespace onecopy::detail
