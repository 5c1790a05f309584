// A semaphore: units that are taken and given back, by anybody.
//
// Any thread of any member that has a handle may call anything but the moves and the destructor at
// the same time. A unit is taken in the name of this process, or in nobody's. Those in the name of
// a process that dies a violent death come back: the next waiter has one within 100 ms, and
// whoever takes one next is told. A process that ends in the usual way leaves them taken, in
// nobody's name (leave_units_taken()). In a bounded semaphore every unit is taken in a name. A
// waiter that dies leaves nothing behind but needless wakes until it is reclaimed.
//
// docs/layout/semaphore.md is the layout and the deaths, store by store.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "memory/layout.hpp"
#include "sync/shared_record.hpp"
#include "sync/slices.hpp"
#include "sync/spin.hpp"

namespace onecopy::sync {

// What a semaphore knows of one member.
struct SemaphoreMember {
  std::atomic<std::uint32_t> held;    // units taken in its name
  std::atomic<std::uint32_t> asleep;  // threads of it that may sleep for a unit
};

// Equation, while nobody has `lock`: `value` is `total` less the sum of `held`, `asleep` the sum of
// the members' `asleep`, and `value` at most `maximum`; of a bounded one, `total` too. Of a place
// that is free both are 0. `signal` rises whenever a unit becomes free while somebody may sleep.
// `untold` is the process whose units came back and whom nobody has been told of, else 0;
// `last_dead` the last such process, else 0. `forgiven` is how many units came back that nobody
// has tried to give back since, when there was nothing to give back.
struct SemaphoreRecord {
  memory::OwnerLock lock;
  std::atomic<std::int32_t> value;
  std::atomic<std::uint32_t> asleep;
  std::atomic<std::uint32_t> signal;
  std::atomic<std::int64_t> total;
  std::atomic<std::int32_t> maximum;
  std::atomic<std::uint32_t> bounded;
  std::atomic<std::int32_t> untold;
  std::atomic<std::int32_t> last_dead;
  std::atomic<std::uint32_t> forgiven;
  Turn turn;
  SemaphoreMember members[memory::kMaxMembers];

  // With the lock: the words that follow from the others.
  void repair() noexcept;
};
static_assert(sizeof(SemaphoreMember) == 8 && sizeof(SemaphoreRecord) == 56 + 1024 * 8);
static_assert(offsetof(SemaphoreRecord, total) == 16 && offsetof(SemaphoreRecord, turn) == 48);

enum class Taken : std::uint8_t {
  yes,
  from_dead,  // units of a process that was killed came back: what they stand for may be half used
  timed_out,
  again,  // a slice is over, or a signal came: look at your signals and call again
};

// In whose name a unit is taken.
enum class Name : std::uint8_t { nobody, mine };

class Semaphore {
 public:
  static constexpr std::int32_t kMost = 0x7fffffff;

  // 0 <= value <= kMost.
  static Result<Semaphore> create(std::int32_t value);
  static Result<Semaphore> create_bounded(std::int32_t value);
  static Result<Semaphore> open(memory::SharedName name);

  memory::SharedName name() const noexcept { return record_.name(); }

  // Takes a unit if one is free. Never answers `again`.
  Taken try_acquire(Name name) noexcept;
  // Waits for a slice at most.
  Taken acquire(Name name, Slices& slices) noexcept;
  // Gives back a unit: one in this process's name, else one in nobody's, else another member's.
  // False where there are as many as there may be.
  bool release() noexcept;
  std::int32_t value() const noexcept;
  std::int32_t maximum() const noexcept { return get(record_->maximum); }
  bool is_bounded() const noexcept { return get(record_->bounded) != 0; }
  // The last process whose death gave units back; 0: none yet.
  std::int32_t last_dead() const noexcept { return get(record_->last_dead); }

  // Checks the equation above; the text of the first thing that does not hold, or empty.
  std::string validate() const;

 private:
  using Record = SharedRecord<SemaphoreRecord, memory::Purpose::semaphore>;

  explicit Semaphore(Record record);
  static Result<Semaphore> create(std::int32_t value, std::int32_t maximum, bool bounded);

  Record record_;
  std::unique_ptr<SpinBudget> spins_;
};

// For the usual end of a process: units in its name stay taken, in nobody's.
void leave_units_taken() noexcept;

}  // namespace onecopy::sync
