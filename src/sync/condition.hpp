// A condition: waiters that are notified, the longest waiting first. The lock that goes with it is
// the caller's affair: who waits releases it after enter() and takes it again before leave().
//
// Any thread of any member that has a handle may call anything but the moves and the destructor at
// the same time. A waiter that dies is no ghost: a notification that it had not come back with
// goes to the next of those who waited when it was given, within 100 ms. A notifier never waits
// for a waiter; one that dies has notified some of those it meant to.
//
// docs/layout/condition.md is the layout and the deaths, store by store.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "memory/layout.hpp"
#include "sync/shared_record.hpp"
#include "sync/slices.hpp"
#include "sync/spin.hpp"

namespace onecopy::sync {

enum class WaiterState : std::uint32_t {
  free,
  waiting,
  asleep,    // the same, and to be woken
  notified,  // and not back yet
};

// One waiter. Equation: where `state` is not free, `owner` is the word (memory::lock_word) of the
// member whose thread waits, and `ticket` is larger than that of who came before; where it is
// notified, the notification was for those with a ticket below `until`.
struct Waiter {
  std::atomic<std::uint32_t> owner;
  std::atomic<WaiterState> state;
  std::atomic<std::uint64_t> ticket;
  std::atomic<std::uint64_t> until;
};
static_assert(sizeof(Waiter) == 24 && alignof(Waiter) == 8);

inline constexpr std::uint32_t kMostWaiters = 1024;

// Equation, while nobody has `lock`: `passing` is 0; no ticket is as large as `tickets`; waiters
// from `high_water` on are free and were never used. With the lock in the hands of a dead member
// `passing` is 0, or (from + 1) << 16 | to: the notification of the first is being passed on.
struct ConditionRecord {
  memory::OwnerLock lock;
  std::atomic<std::uint32_t> passing;
  std::atomic<std::uint64_t> tickets;
  std::atomic<std::uint32_t> high_water;
  std::atomic<std::uint32_t> unused;
  Turn turn;
  Waiter waiters[kMostWaiters];

  // With the lock: finishes what a dead holder was at.
  void repair() noexcept;
};
static_assert(sizeof(ConditionRecord) == 32 + kMostWaiters * sizeof(Waiter));
static_assert(offsetof(ConditionRecord, tickets) == 8 && offsetof(ConditionRecord, turn) == 24);

class Condition {
 public:
  // The place of a waiter.
  using Seat = std::uint32_t;

  static Result<Condition> create();
  static Result<Condition> open(memory::SharedName name);

  memory::SharedName name() const noexcept { return record_.name(); }

  // From now on the calling thread is notified. Error::too_many: no seat is free.
  Result<Seat> enter();
  // Until it is notified (`done`).
  Waited wait(Seat seat, Slices& slices) noexcept;
  // After a time-out: whether it was notified all the same; where not, the seat is free.
  bool give_up(Seat seat) noexcept;
  // Who was notified has come back: its seat is free.
  void leave(Seat seat) noexcept;
  // Who will not come back passes on its notification, if it has one; its seat is free.
  void abandon(Seat seat) noexcept;

  // Notifies the `most` who have waited longest.
  void notify(std::uint32_t most) noexcept;
  // How many wait and are not notified.
  std::uint32_t waiting() const noexcept;

  // Checks the equations above; the text of the first thing that does not hold, or empty.
  std::string validate() const;

 private:
  using Record = SharedRecord<ConditionRecord, memory::Purpose::condition>;

  explicit Condition(Record record);

  Record record_;
  std::unique_ptr<SpinBudget> spins_;
};

}  // namespace onecopy::sync
