// The locks of include/onecopy/lock.hpp.
#include "sync/user_lock.hpp"

#include <utility>

#include "memory/family.hpp"

namespace onecopy {
namespace detail {

Result<UniquePointer<LockHandle::State>> LockHandle::make(bool recursive) {
  auto lock = sync::Lock::create();
  if (!lock) return std::move(lock).failure();
  return make_unique_pointer<State>(std::move(*lock), recursive);
}

LockHandle::LockHandle(UniquePointer<State> state) noexcept : state_(std::move(state)) {}
LockHandle::LockHandle(LockHandle&&) noexcept = default;
LockHandle& LockHandle::operator=(LockHandle&&) noexcept = default;
LockHandle::~LockHandle() = default;

bool LockHandle::lock_within(std::int64_t wait) {
  memory::join_family().value_or_throw();
  if (state_->is_held_again()) {
    ++state_->count;
    return true;
  }
  const os::Deadline deadline = os::Deadline::after(wait);
  sync::Locked got = sync::Locked::interrupted;
  while (got == sync::Locked::interrupted) got = state_->lock.acquire(deadline);
  if (got == sync::Locked::timed_out) return false;
  state_->thread.store(std::this_thread::get_id(), std::memory_order_relaxed);
  state_->count = 1;
  return true;
}

void LockHandle::unlock() {
  memory::join_family().value_or_throw();
  if (state_->recursive) {
    if (!state_->is_held_again()) {
      throw Exception(
          {Error::invalid, 0, "a recursive lock is released by the thread that holds it"});
    }
    if (state_->count > 1) {
      --state_->count;
      return;
    }
    state_->thread.store({}, std::memory_order_relaxed);
  }
  if (!state_->lock.release()) {
    throw Exception({Error::invalid, 0, "a lock was released that nobody holds"});
  }
}

int LockHandle::recovered() const noexcept { return state_->lock.last_dead(); }

}  // namespace detail

Result<Lock> Lock::create() {
  auto state = make(false);
  if (!state) return std::move(state).failure();
  return Lock(std::move(*state));
}

Result<RLock> RLock::create() {
  auto state = make(true);
  if (!state) return std::move(state).failure();
  return RLock(std::move(*state));
}

}  // namespace onecopy
