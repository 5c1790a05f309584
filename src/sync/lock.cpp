#include "sync/lock.hpp"

#include <utility>

#include "memory/block.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/reclaim.hpp"
#include "os/futex.hpp"

namespace onecopy::sync {
namespace {

using memory::Acquired;
using memory::OwnerLock;

// What an announcement calls the lock. Never 0: times begin at 1.
std::uint64_t word_of(memory::SharedName name) noexcept {
  return std::uint64_t{name.time} << 32 | name.block;
}

void note_death(LockRecord& record, std::int32_t pid) noexcept {
  record.last_dead.store(pid, std::memory_order_relaxed);
  record.forgiven.store(1, std::memory_order_relaxed);
}

// The lock of a member that died, where nobody waited for it: so that no word with its name is left
// when its place is used again.
void release_of_dead(LockRecord& record, memory::Ticket dead) noexcept {
  // Taken before anything is noted: a waiter may be about to take it over, and notes it itself.
  if (!memory::lock_of_dead(record.owner, dead.slot, dead.generation)) return;
  const std::int32_t pid = memory::pid_of(dead.slot);
  note_death(record, pid);
  record.untold.store(pid, std::memory_order_relaxed);
  // Not whoever has it by now, where somebody released it in between.
  memory::unlock_of(record.owner, memory::local().slot, memory::local().generation);
}

[[maybe_unused]] const bool hooked =
    forget_the_dead<LockRecord, memory::Purpose::lock, release_of_dead>();

}  // namespace

Result<Lock> Lock::create() {
  auto record = Record::create();
  if (!record) return std::move(record).failure();
  return Lock(std::move(*record));
}

Result<Lock> Lock::open(memory::SharedName name) {
  auto record = Record::open(name);
  if (!record) return std::move(record).failure();
  return Lock(std::move(*record));
}

Locked Lock::acquire(os::Deadline deadline) noexcept {
  std::int32_t dead = 0;
  switch (memory::lock_until(record_->owner, deadline, dead)) {
    case Acquired::busy:
      // Who asks again and again without waiting shall not ask the dead for ever.
      memory::look_for_dead();
      return Locked::timed_out;
    case Acquired::interrupted:
      return Locked::interrupted;
    case Acquired::from_dead:
      note_death(*record_, dead);
      // For whoever gets in: it need not be us, where a touch lasts too long.
      record_->untold.store(dead, std::memory_order_relaxed);
      break;
    case Acquired::clean:
      break;
  }
  // Sequentially consistent: pairs with open_gate(), as the exchange that took the lock does with
  // begin_touch().
  if (record_->gated.load(std::memory_order_seq_cst) != 0 &&
      !wait_until_untouched(word_of(name()), deadline)) {
    memory::unlock(record_->owner);
    return deadline.expired() ? Locked::timed_out : Locked::interrupted;
  }
  // Relaxed: whoever noted it had the lock, and the word that we acquired carries it.
  if (record_->untold.load(std::memory_order_relaxed) == 0) return Locked::yes;
  record_->untold.store(0, std::memory_order_relaxed);
  return Locked::from_dead;
}

bool Lock::release() noexcept {
  // A process that was to release what the dead one held comes too late: once it is no error, and
  // must not release what has another holder by now.
  if (record_->forgiven.load(std::memory_order_relaxed) != 0 &&
      record_->forgiven.exchange(0, std::memory_order_relaxed) != 0 && !is_mine()) {
    return true;
  }
  return memory::unlock_of_anyone(record_->owner);
}

bool Lock::is_held() const noexcept { return memory::is_locked(record_->owner); }
bool Lock::is_mine() const noexcept { return memory::is_mine(record_->owner); }

void Lock::open_gate() const noexcept {
  // Looked at first, as the record's line is shared by all who use the lock. Sequentially
  // consistent, both: who took the lock before it saw this has its name in the word that a touch
  // reads.
  if (record_->gated.load(std::memory_order_seq_cst) == 0) {
    record_->gated.store(1, std::memory_order_seq_cst);
  }
}

Announcement* Lock::begin_touch() const noexcept {
  Announcement* const own = own_announcement();
  if (own == nullptr) return nullptr;
  // Sequentially consistent, both: either who takes the lock sees the announcement, or we see its
  // name. The load is also an acquire: pairs with the release of who held the lock last.
  own->touched.exchange(word_of(name()), std::memory_order_seq_cst);
  if (!memory::is_locked(record_->owner)) [[likely]] {
    return own;
  }
  end_touch(own);
  return nullptr;
}

std::int32_t Lock::last_dead() const noexcept {
  return record_->last_dead.load(std::memory_order_relaxed);
}

std::string Lock::validate() const {
  const std::uint32_t owner =
      record_->owner.word.load(std::memory_order_relaxed) & ~memory::kLockContended;
  if (owner != 0 && owner != memory::kLockLeft && !memory::is_taken(memory::slot_in_lock(owner))) {
    return "a lock names a holder whose place is free";
  }
  if (record_->untold.load(std::memory_order_relaxed) != 0 && last_dead() == 0) {
    return "a lock has a death to tell of, and no dead process";
  }
  return {};
}

void leave_locks_held() noexcept {
  if (!memory::in_family()) return;
  memory::for_each_shared(
      memory::Purpose::lock,
      [](std::byte* data, const void*) {
        memory::leave_locked(reinterpret_cast<LockRecord*>(data)->owner);
      },
      nullptr);
}

}  // namespace onecopy::sync
