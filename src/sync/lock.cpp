#include "sync/lock.hpp"

#include <new>
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

void note_death(LockRecord& record, std::int32_t pid) noexcept {
  record.last_dead.store(pid, std::memory_order_relaxed);
  record.forgiven.store(1, std::memory_order_relaxed);
}

struct Dead {
  memory::Slot slot;
  std::uint32_t generation;
};

// The lock of a member that died, where nobody waited for it: so that no word with its name is left
// when its place is used again.
void release_of_dead(std::byte* data, const void* context) noexcept {
  auto& record = *reinterpret_cast<LockRecord*>(data);
  const Dead& dead = *static_cast<const Dead*>(context);
  const std::uint32_t name = memory::lock_word(dead.slot, dead.generation);
  const std::uint32_t seen = record.owner.word.load(std::memory_order_relaxed);
  if ((seen & ~memory::kLockContended) != name) return;
  std::int32_t pid = memory::pid_of(dead.slot);
  note_death(record, pid);
  // Before the lock is free: who gets it next is told. A waiter that took it over first knows.
  record.untold.store(pid, std::memory_order_relaxed);
  if (!memory::unlock_of(record.owner, dead.slot, dead.generation)) {
    record.untold.compare_exchange_strong(pid, 0, std::memory_order_relaxed);
  }
}

void release_locks_of_dead(memory::Slot slot, std::uint32_t generation) noexcept {
  const Dead dead{slot, generation};
  memory::for_each_shared(memory::Purpose::lock, release_of_dead, &dead);
}

[[maybe_unused]] const bool hooked = memory::add_reclaim_hook(release_locks_of_dead);

}  // namespace

Result<Lock> Lock::create() {
  auto name = memory::make_shared_block(sizeof(LockRecord), memory::Purpose::lock);
  if (!name) return std::move(name).failure();
  return Lock(*name);
}

Result<Lock> Lock::open(memory::SharedName name) {
  if (auto held = memory::hold_shared(name); !held) return std::move(held).failure();
  return Lock(name);
}

Lock::Lock(memory::SharedName name) noexcept
    : name_(name), record_(reinterpret_cast<LockRecord*>(memory::block_data(name.block))) {}

Lock::Lock(Lock&& other) noexcept
    : name_(other.name_), record_(std::exchange(other.record_, nullptr)) {}

Lock& Lock::operator=(Lock&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(record_, other.record_);
  return *this;
}

Lock::~Lock() {
  if (record_ != nullptr) memory::let_go_shared(name_);
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
      record_->untold.store(0, std::memory_order_relaxed);
      return Locked::from_dead;
    case Acquired::clean:
      break;
  }
  // Relaxed: whoever released the lock of a dead holder stored this before, and the word that we
  // acquired carries it. An exchange, as a reclaimer that came too late takes its note back.
  if (record_->untold.load(std::memory_order_relaxed) == 0) return Locked::yes;
  return record_->untold.exchange(0, std::memory_order_relaxed) != 0 ? Locked::from_dead
                                                                     : Locked::yes;
}

bool Lock::release() noexcept {
  // A process that was to release what the dead one held comes too late: once it is no error, and
  // must not release what has another holder by now.
  if (!is_mine() && record_->forgiven.load(std::memory_order_relaxed) != 0 &&
      record_->forgiven.exchange(0, std::memory_order_relaxed) != 0) {
    return true;
  }
  return memory::unlock_of_anyone(record_->owner);
}

bool Lock::is_held() const noexcept { return memory::is_locked(record_->owner); }
bool Lock::is_mine() const noexcept { return memory::is_mine(record_->owner); }

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
