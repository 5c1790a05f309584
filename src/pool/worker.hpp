// A pool as one of its workers has it: takes tasks and puts their answers, from a seat of its own.
//
// One thread of one process sits in a seat and calls these. A task is answered before the next is
// taken. A death at any instruction leaves the task, if there was one, not taken, lost, or
// answered, and the parent finds out which (crew.hpp).
#pragma once

#include <cstdint>
#include <memory>

#include <onecopy/error.hpp>

#include "channel/channel.hpp"
#include "os/clock.hpp"
#include "pool/name.hpp"
#include "pool/seats.hpp"
#include "sync/spin.hpp"
#include "sync/wait.hpp"

namespace onecopy::pool {

class Worker {
 public:
  // Sits down in a seat that is free. Error::closed where the pool is gone, Error::invalid where it
  // has no such seat.
  static Result<Worker> open(Name name, std::uint32_t seat);

  // With Get::done `number` is the task's.
  channel::Get take(channel::Incoming& task, channel::Contend contend,
                    std::uint32_t& number) noexcept;
  // Returns ready when a task may be there, or the pool is closing; else after a slice at most, as
  // Channel::wait_for_message().
  sync::Wait wait_for_task(os::Deadline deadline) noexcept;
  // Asked before a take() that finds nothing: no task will come any more.
  bool is_closing() const noexcept;

  // The answer of the task that was taken last (answer.hpp).
  channel::Put answer(const channel::Outgoing& answer, channel::Contend contend) noexcept;

  // What is the answer of no task, told while it has none. The seat is left as it is: by the time
  // that this is known, another may sit in it.
  channel::Put tell(const channel::Outgoing& news, channel::Contend contend) noexcept;

  // Adds to the figures of the seat.
  void spend(Phase phase, os::Nanoseconds time) noexcept;

 private:
  Worker(Seats seats, channel::Channel tasks, channel::Channel answers, std::uint32_t seat);

  Seats seats_;
  channel::Channel tasks_;
  channel::Channel answers_;
  SeatRecord* seat_;
  std::unique_ptr<sync::SpinBudget> spins_;
};

}  // namespace onecopy::pool
