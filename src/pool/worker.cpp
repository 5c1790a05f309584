#include "pool/worker.hpp"

#include <utility>

#include "memory/family.hpp"
#include "memory/housekeeping.hpp"
#include "memory/owner_lock.hpp"
#include "memory/reclaim.hpp"
#include "trace/trace.hpp"

namespace onecopy::pool {

using channel::Channel;
using channel::Contend;
using channel::Get;
using channel::Incoming;
using channel::Outgoing;
using channel::Put;
using sync::Wait;

namespace {

// Relaxed: a figure that nobody else writes.
void add(std::atomic<std::uint64_t>& figure, std::uint64_t amount) noexcept {
  figure.store(figure.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

Worker::Worker(Seats seats, Channel tasks, Channel answers, std::uint32_t seat)
    : seats_(std::move(seats)),
      tasks_(std::move(tasks)),
      answers_(std::move(answers)),
      seat_(&seats_->seats()[seat]),
      spins_(std::make_unique<sync::SpinBudget>()) {}

Result<Worker> Worker::open(Name name, std::uint32_t seat) {
  auto seats = Seats::open(name.seats);
  if (!seats) return std::move(seats).failure();
  if (seat >= (*seats)->seat_count) return Failure{Error::invalid, 0, "the pool has no such seat"};
  auto tasks = Channel::open(name.tasks);
  if (!tasks) return std::move(tasks).failure();
  auto answers = Channel::open(name.answers);
  if (!answers) return std::move(answers).failure();
  Worker worker(std::move(*seats), std::move(*tasks), std::move(*answers), seat);
  const memory::Ticket self = memory::self_ticket();
  worker.seat_->worker.store(memory::lock_word(self.slot, self.generation),
                             std::memory_order_relaxed);
  // Of who sat here before, where that left of its own accord.
  worker.seat_->taken.store(0, std::memory_order_relaxed);
  for (auto& spent : worker.seat_->spent) spent.store(0, std::memory_order_relaxed);
  worker.seat_->started.store(static_cast<std::uint64_t>(os::now()), std::memory_order_relaxed);
  return worker;
}

Get Worker::take(Incoming& task, Contend contend, std::uint32_t& number) noexcept {
  const Get outcome = tasks_.try_get(task, contend, &seat_->at);
  if (outcome != Get::done) return outcome;
  number = static_cast<std::uint32_t>(seat_->at.load(std::memory_order_relaxed));
  add(seat_->taken, 1);
  return Get::done;
}

Wait Worker::wait_for_task(os::Deadline deadline) noexcept {
  const trace::Span span(trace::Counter::wait_time);
  const auto ready = [this] { return tasks_.size() != 0 || is_closing(); };
  const Wait outcome = sync::wait_on(seats_->signal, seats_->workers, *spins_, ready, deadline);
  if (outcome == Wait::timed_out) {
    memory::housekeep();
    memory::look_for_dead();
  }
  return outcome;
}

bool Worker::is_closing() const noexcept {
  // Sequentially consistent: pairs with Crew::close(). What was put before it is seen afterwards.
  return seats_->closing.load(std::memory_order_seq_cst) != 0;
}

Put Worker::answer(const Outgoing& answer, Contend contend) noexcept {
  const Put outcome = answers_.try_put(answer, contend);
  // Release: pairs with Crew::at(). Not before the answer is there.
  if (outcome == Put::done) seat_->at.store(0, std::memory_order_release);
  return outcome;
}

Put Worker::tell(const Outgoing& news, Contend contend) noexcept {
  return answers_.try_put(news, contend);
}

void Worker::spend(Phase phase, os::Nanoseconds time) noexcept {
  add(seat_->spent.at(static_cast<std::size_t>(phase)), static_cast<std::uint64_t>(time));
}

}  // namespace onecopy::pool
