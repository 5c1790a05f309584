// A lock that users hold: for as long as they like, and across the death of its holder.
//
// It lies in a shared block of its own; a Lock is this process's handle on it. Any thread of any
// member that has a handle may call anything but the moves and the destructor at the same time.
// Whoever waits when the holder dies a violent death gets the lock within 100 ms and is told; so is
// the next to come, where nobody waited. A holder that ends in the usual way leaves the lock held
// (leave_locks_held()), as stock multiprocessing does, and anybody may release it. A waiter that
// dies leaves nothing behind but one needless wake. A stopped (SIGSTOP) holder is alive.
//
// docs/layout/lock.md is the layout and the deaths, store by store.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <onecopy/error.hpp>

#include "memory/owner_lock.hpp"
#include "memory/shared.hpp"
#include "os/clock.hpp"
#include "sync/gate.hpp"
#include "sync/shared_record.hpp"

namespace onecopy::sync {

// Equation: `owner` names who holds the lock, or nobody, or one that left it held, or one that is
// dead and not reclaimed yet. `untold` is the process whose death released the lock and whom no
// holder has been told of, else 0; `last_dead` the last such process, else 0; `forgiven` is 1 from
// such a death until one release, by whomever. `gated` is 1 once anybody
// may touch what the lock guards through its gate, and stays so.
struct LockRecord {
  memory::OwnerLock owner;
  std::atomic<std::int32_t> untold;
  std::atomic<std::int32_t> last_dead;
  std::atomic<std::uint32_t> forgiven;
  std::atomic<std::uint32_t> gated;
};
static_assert(sizeof(LockRecord) == 20 && alignof(LockRecord) == 4);
static_assert(std::is_standard_layout_v<LockRecord> && std::is_trivially_copyable_v<LockRecord>);

enum class Locked : std::uint8_t {
  yes,
  from_dead,  // the holder before died: what the lock guards may be half changed
  timed_out,
  interrupted,  // a signal came, or a slice is over: look at your signals and call again
};

class Lock {
 public:
  static Result<Lock> create();
  // A handle on a lock that some process still has a handle on.
  static Result<Lock> open(memory::SharedName name);

  memory::SharedName name() const noexcept { return record_.name(); }

  // Spins shortly, then sleeps until it has the lock, the deadline (an expired one: does not wait)
  // or a signal.
  Locked acquire(os::Deadline deadline) noexcept;
  // Whoever holds it. False where nobody does.
  bool release() noexcept;
  bool is_held() const noexcept;
  // Whether this process holds it, any of its threads.
  bool is_mine() const noexcept;
  // From now on touch() may be called, in any process.
  void open_gate() const noexcept;
  // Lets this thread touch what the lock guards until the answer goes to end_touch(): for a few
  // nanoseconds, not to be interrupted by anything that waits. Null: somebody holds the lock, also
  // this thread, or there is no place for an announcement; take the lock then.
  Announcement* begin_touch() const noexcept;

  // The last process whose death released the lock; 0: none yet.
  std::int32_t last_dead() const noexcept;

  // Checks the equation above; the text of the first thing that does not hold, or empty.
  std::string validate() const;

 private:
  using Record = SharedRecord<LockRecord, memory::Purpose::lock>;

  explicit Lock(Record record) noexcept : record_(std::move(record)) {}

  Record record_;
};

// For the usual end of a process: what it holds stays held, in nobody's name.
void leave_locks_held() noexcept;

}  // namespace onecopy::sync
