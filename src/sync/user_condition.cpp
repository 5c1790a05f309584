// The condition of include/onecopy/condition.hpp.
#include <onecopy/condition.hpp>

#include "memory/family.hpp"
#include "os/clock.hpp"
#include "sync/condition.hpp"

namespace onecopy {

struct Condition::State {
  sync::Condition condition;
};

Result<Condition> Condition::create() {
  auto condition = sync::Condition::create();
  if (!condition) return std::move(condition).failure();
  return Condition(detail::make_unique_pointer<State>(State{std::move(*condition)}));
}

Condition::Condition(detail::UniquePointer<State> state) noexcept : state_(std::move(state)) {}
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;
Condition::~Condition() = default;

std::int64_t Condition::deadline_after(std::int64_t wait) noexcept {
  return os::Deadline::after(wait).when();
}

std::int64_t Condition::remaining(std::int64_t deadline) noexcept {
  return os::Deadline::at(deadline).remaining();
}

void Condition::notify(std::uint32_t most) {
  memory::join_family().value_or_throw();
  state_->condition.notify(most);
}

Condition::Seat::Seat(Condition& condition) : condition_(condition) {
  memory::join_family().value_or_throw();
  number_ = condition_.state_->condition.enter().value_or_throw();
}

Condition::Seat::~Seat() {
  if (taken_) condition_.state_->condition.abandon(number_);
}

bool Condition::Seat::wait(std::int64_t wait, detail::Stop stop) {
  sync::Condition& condition = condition_.state_->condition;
  sync::Slices slices(os::Deadline::after(wait), stop);
  sync::Waited waited = sync::Waited::again;
  while (waited == sync::Waited::again) waited = condition.wait(number_, slices);
  taken_ = waited == sync::Waited::done || condition.give_up(number_);
  return taken_;
}

void Condition::Seat::come_back() noexcept {
  if (taken_) condition_.state_->condition.leave(number_);
  taken_ = false;
}

}  // namespace onecopy
