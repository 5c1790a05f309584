// A pool as its parent has it: puts tasks, gets answers, and finds out which tasks were lost.
//
// Any thread of the parent may call any function but the moves and the destructor at any time, but
// that nobody may put a task while another thread closes. Nothing waits unless its name says so,
// but for a lock that is held for tens of nanoseconds.
//
// A task is known by its number. It is answered, or it is lost with the worker that had it, and
// these are told apart so, when a worker has died:
//   1. know that it is dead (its process was joined);
//   2. ask is_taken() of each task that has no answer yet;
//   3. read the seats of the living with at(), and then those of the dead;
//   4. get all answers that are there.
// A task that was taken, has no answer even so, and is named by no living worker's seat is lost;
// the seat of a dead worker names it (of two, one had only noted it). What a dead worker was about
// to take and did not, and what it had answered, is not lost. In another order a task may look lost
// that a living worker took, or answered, meanwhile. After that the dead worker's seat is cleared,
// whether anything was lost or not, and another may have it. A worker whose death nobody knows of
// yet counts as living: what it had is found lost when its turn comes.
//
// A death of the parent at any instruction leaves the workers waiting: they end with it
// (lifelines).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <onecopy/error.hpp>

#include "channel/channel.hpp"
#include "os/clock.hpp"
#include "pool/name.hpp"
#include "pool/seats.hpp"

namespace onecopy::pool {

// Of the worker in a seat, old at once while it works.
struct Figures {
  std::uint64_t taken = 0;                        // tasks
  std::uint64_t started = 0;                      // monotonic nanoseconds; 0: nobody sits there
  std::array<std::uint64_t, kPhases> spent = {};  // nanoseconds, by Phase
};

class Crew {
 public:
  // Error::invalid where there are to be no seats, or more than kMostSeats.
  static Result<Crew> create(std::uint32_t seats);

  Name name() const noexcept;
  std::uint32_t seat_count() const noexcept { return seats_->seat_count; }
  // Makes the member of a reserved place, a worker that is about to start, a holder too.
  void hold_for(memory::Slot slot) noexcept;

  // `number` is the task's, known before any worker can have it. Put::closed after close().
  channel::Put put(const channel::Outgoing& task, channel::Contend contend,
                   std::uint32_t& number) noexcept;
  // The next answer (answer.hpp).
  channel::Get get(channel::Incoming& answer, channel::Contend contend) noexcept;
  // One round of getting: waits for about a slice (50 ms), then Get::busy; Get::empty at the
  // deadline.
  channel::Get get_round(channel::Incoming& answer, os::Deadline deadline) noexcept;
  // A slice at most, as Channel::wait_for_message().
  sync::Wait wait_for_answer(os::Deadline deadline) noexcept;
  bool has_answer() noexcept { return answers_.size() != 0; }

  // The task that the worker in that seat is at, was at when it died, or was about to take.
  std::optional<std::uint32_t> at(std::uint32_t seat) const noexcept;
  // Whether that task, one of the last 2^31, was taken by anybody. Repairs first what a dead worker
  // left half taken.
  bool is_taken(std::uint32_t number) noexcept;
  // How many tasks nobody has taken.
  std::uint32_t waiting() const noexcept { return tasks_.size(); }

  // Workers leave once no task waits; those that sleep are woken.
  void close() noexcept;
  // Takes out the tasks that wait; how many. They will have no answer.
  std::uint32_t discard_tasks() noexcept;

  // The seat is ready for another worker. The one in it must be dead.
  void clear_seat(std::uint32_t seat) noexcept;
  Figures figures(std::uint32_t seat) const noexcept;

  // Checks every invariant of the layout pages, of the two channels too; the text of the first that
  // does not hold, or empty.
  std::string validate();

 private:
  Crew(Seats seats, channel::Channel tasks, channel::Channel answers) noexcept;

  SeatRecord& seat(std::uint32_t number) const noexcept { return seats_->seats()[number]; }

  Seats seats_;
  channel::Channel tasks_;
  channel::Channel answers_;
};

}  // namespace onecopy::pool
