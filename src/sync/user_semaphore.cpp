// The semaphores of include/onecopy/semaphore.hpp.
#include <onecopy/semaphore.hpp>

#include <utility>

#include "memory/family.hpp"
#include "sync/semaphore.hpp"

namespace onecopy {
namespace detail {

struct SemaphoreHandle::State {
  sync::Semaphore semaphore;
};

Result<UniquePointer<SemaphoreHandle::State>> SemaphoreHandle::make(std::ptrdiff_t value,
                                                                    bool bounded) {
  if (value < 0 || value > sync::Semaphore::kMost) {
    return Failure{Error::invalid, 0, "a semaphore has from 0 to 2147483647 units"};
  }
  const auto units = static_cast<std::int32_t>(value);
  auto semaphore =
      bounded ? sync::Semaphore::create_bounded(units) : sync::Semaphore::create(units);
  if (!semaphore) return std::move(semaphore).failure();
  return make_unique_pointer<State>(State{std::move(*semaphore)});
}

SemaphoreHandle::SemaphoreHandle(UniquePointer<State> state) noexcept : state_(std::move(state)) {}
SemaphoreHandle::SemaphoreHandle(SemaphoreHandle&&) noexcept = default;
SemaphoreHandle& SemaphoreHandle::operator=(SemaphoreHandle&&) noexcept = default;
SemaphoreHandle::~SemaphoreHandle() = default;

bool SemaphoreHandle::acquire_within(std::int64_t wait, Use use) {
  memory::join_family().value_or_throw();
  const sync::Name name = use == Use::had ? sync::Name::mine : sync::Name::nobody;
  if (state_->semaphore.try_acquire(name) != sync::Taken::timed_out) return true;
  return wait > 0 && wait_within(wait, use, {});
}

bool SemaphoreHandle::wait_within(std::int64_t wait, Use use, Stop stop) {
  const sync::Name name = use == Use::had ? sync::Name::mine : sync::Name::nobody;
  sync::Slices slices(os::Deadline::after(wait), stop);
  sync::Taken taken = sync::Taken::again;
  while (taken == sync::Taken::again) {
    taken = state_->semaphore.acquire(name, slices);
  }
  return taken != sync::Taken::timed_out;
}

void SemaphoreHandle::release() {
  memory::join_family().value_or_throw();
  if (!state_->semaphore.release()) {
    throw Exception({Error::invalid, 0, "a semaphore was released too many times"});
  }
}

std::ptrdiff_t SemaphoreHandle::value() const noexcept { return state_->semaphore.value(); }
int SemaphoreHandle::recovered() const noexcept { return state_->semaphore.last_dead(); }

}  // namespace detail

Result<Semaphore> Semaphore::create(std::ptrdiff_t value) {
  auto state = make(value, false);
  if (!state) return std::move(state).failure();
  return Semaphore(std::move(*state));
}

Result<BoundedSemaphore> BoundedSemaphore::create(std::ptrdiff_t value) {
  auto state = make(value, true);
  if (!state) return std::move(state).failure();
  return BoundedSemaphore(std::move(*state));
}

}  // namespace onecopy
