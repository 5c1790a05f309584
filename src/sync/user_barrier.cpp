// The barrier of include/onecopy/barrier.hpp.
#include <onecopy/barrier.hpp>

#include <limits>

#include "memory/family.hpp"
#include "sync/barrier.hpp"

namespace onecopy {
namespace {

using sync::Passage;

// Repeats a call of the engine until it is over.
template <class Call>
Passage repeat(const Call& call) {
  Passage passage = Passage::again;
  while (passage == Passage::again) passage = call();
  return passage;
}

}  // namespace

struct Barrier::State {
  sync::Barrier barrier;
  Action action;

  // For who acts, which leaves it.
  void act() {
    try {
      if (action) action();
    } catch (...) {
      barrier.finish(false);
      throw;
    }
    barrier.finish(true);
  }
};

Result<Barrier> Barrier::create(std::ptrdiff_t parties, Action action) {
  if (parties < 1 || parties > std::numeric_limits<std::int32_t>::max()) {
    return Failure{Error::invalid, 0, "a barrier has from 1 to 2147483647 parties"};
  }
  auto barrier = sync::Barrier::create(static_cast<std::uint32_t>(parties));
  if (!barrier) return std::move(barrier).failure();
  return Barrier(detail::make_unique_pointer<State>(State{std::move(*barrier), std::move(action)}));
}

Barrier::Barrier(detail::UniquePointer<State> state) noexcept : state_(std::move(state)) {}
Barrier::Barrier(Barrier&&) noexcept = default;
Barrier& Barrier::operator=(Barrier&&) noexcept = default;
Barrier::~Barrier() = default;

Result<std::ptrdiff_t> Barrier::wait_within(std::int64_t wait) {
  memory::join_family().value_or_throw();
  sync::Barrier& barrier = state_->barrier;
  sync::Slices coming(os::Deadline::never());
  std::uint32_t index = 0;
  Passage passage = repeat([&] { return barrier.enter(coming, index); });
  if (passage == Passage::acts) {
    state_->act();
  } else if (passage == Passage::waits) {
    sync::Slices slices(os::Deadline::after(wait));
    passage = repeat([&] { return barrier.wait(slices); });
  }
  if (passage == Passage::broken) return Error::broken_barrier;
  return std::ptrdiff_t{index};
}

void Barrier::abort() {
  memory::join_family().value_or_throw();
  sync::Slices slices(os::Deadline::never());
  repeat([&] { return state_->barrier.abort(slices); });
}

void Barrier::reset() {
  memory::join_family().value_or_throw();
  sync::Slices slices(os::Deadline::never());
  repeat([&] { return state_->barrier.reset(slices); });
}

std::ptrdiff_t Barrier::parties() const noexcept { return state_->barrier.parties(); }

std::ptrdiff_t Barrier::waiting() const noexcept {
  return state_->barrier.state() == sync::BarrierState::filling ? state_->barrier.count() : 0;
}

bool Barrier::broken() const noexcept {
  return state_->barrier.state() == sync::BarrierState::broken;
}

}  // namespace onecopy
