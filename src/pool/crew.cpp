#include "pool/crew.hpp"

#include <utility>

#include "channel/values.hpp"

namespace onecopy::pool {

using channel::Channel;
using channel::Contend;
using channel::Get;
using channel::Incoming;
using channel::Outgoing;
using channel::Put;

Crew::Crew(Seats seats, Channel tasks, Channel answers) noexcept
    : seats_(std::move(seats)), tasks_(std::move(tasks)), answers_(std::move(answers)) {}

Result<Crew> Crew::create(std::uint32_t seats) {
  if (seats == 0 || seats > kMostSeats) {
    return Failure{Error::invalid, 0, "a pool has 1 to " + std::to_string(kMostSeats) + " workers"};
  }
  auto tasks = Channel::create({});
  if (!tasks) return std::move(tasks).failure();
  auto answers = Channel::create({});
  if (!answers) return std::move(answers).failure();
  auto made = make_seats(seats);
  if (!made) return std::move(made).failure();
  (*made)->tasks = tasks->name();
  (*made)->answers = answers->name();
  return Crew(std::move(*made), std::move(*tasks), std::move(*answers));
}

Name Crew::name() const noexcept { return {seats_.name(), tasks_.name(), answers_.name()}; }

void Crew::hold_for(memory::Slot slot) noexcept {
  tasks_.hold_for(slot);
  answers_.hold_for(slot);
  memory::hold_shared_for(seats_.name(), slot);
}

Put Crew::put(const Outgoing& task, Contend contend, std::uint32_t& number) noexcept {
  // Relaxed: who closes is this thread, or one that it has heard of.
  if (seats_->closing.load(std::memory_order_relaxed) != 0) return Put::closed;
  const Put outcome = tasks_.try_put(task, contend, &number);
  if (outcome == Put::done) wake_one_worker(*seats_);
  return outcome;
}

Get Crew::get(Incoming& answer, Contend contend) noexcept {
  return answers_.try_get(answer, contend);
}

Get Crew::get_round(Incoming& answer, os::Deadline deadline) noexcept {
  bool ended = false;
  return channel::get_round(answers_, answer, -1, deadline, ended);
}

sync::Wait Crew::wait_for_answer(os::Deadline deadline) noexcept {
  return answers_.wait_for_message(deadline);
}

std::optional<std::uint32_t> Crew::at(std::uint32_t number) const noexcept {
  // Acquire: pairs with the release of what empties a seat (Worker::answer()) and what fills it
  // (Getter::commit_take()). Who finds another task here, or none, finds the answer of the last.
  return channel::number_in(seat(number).at.load(std::memory_order_acquire));
}

bool Crew::is_taken(std::uint32_t number) noexcept {
  return static_cast<std::int32_t>(number - tasks_.taken()) < 0;
}

void Crew::close() noexcept {
  // Sequentially consistent: pairs with Worker::is_closing() before a worker sleeps.
  seats_->closing.store(1, std::memory_order_seq_cst);
  wake_all_workers(*seats_);
}

std::uint32_t Crew::discard_tasks() noexcept {
  std::uint32_t count = 0;
  Incoming task;
  while (tasks_.try_get(task, Contend::yes) == Get::done) {
    task.discard();
    ++count;
  }
  return count;
}

// Relaxed, all of it: nobody else writes, and who comes next into the seat is told of it by us.
void Crew::clear_seat(std::uint32_t number) noexcept {
  SeatRecord& record = seat(number);
  record.at.store(0, std::memory_order_relaxed);
  record.taken.store(0, std::memory_order_relaxed);
  record.started.store(0, std::memory_order_relaxed);
  record.worker.store(0, std::memory_order_relaxed);
  for (auto& spent : record.spent) spent.store(0, std::memory_order_relaxed);
}

// Relaxed: figures, each of a moment of its own.
Figures Crew::figures(std::uint32_t number) const noexcept {
  const SeatRecord& record = seat(number);
  Figures figures;
  figures.taken = record.taken.load(std::memory_order_relaxed);
  figures.started = record.started.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kPhases; ++i) {
    figures.spent.at(i) = record.spent.at(i).load(std::memory_order_relaxed);
  }
  return figures;
}

std::string Crew::validate() {
  if (std::string wrong = tasks_.validate(); !wrong.empty()) return wrong;
  if (std::string wrong = answers_.validate(); !wrong.empty()) return wrong;
  return pool::validate(*seats_, tasks_.taken());
}

}  // namespace onecopy::pool
