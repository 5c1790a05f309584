// The event of include/onecopy/event.hpp.
#include <onecopy/event.hpp>

#include <utility>

#include "memory/family.hpp"
#include "sync/event.hpp"

namespace onecopy {

struct Event::State {
  sync::Event event;
};

Result<Event> Event::create() {
  auto event = sync::Event::create();
  if (!event) return std::move(event).failure();
  return Event(detail::make_unique_pointer<State>(State{std::move(*event)}));
}

Event::Event(detail::UniquePointer<State> state) noexcept : state_(std::move(state)) {}
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;

void Event::set() {
  memory::join_family().value_or_throw();
  state_->event.set();
}

void Event::clear() {
  memory::join_family().value_or_throw();
  state_->event.clear();
}

bool Event::is_set() const noexcept { return state_->event.is_set(); }

bool Event::wait_within(std::int64_t wait, detail::Stop stop) {
  memory::join_family().value_or_throw();
  const std::uint32_t since = state_->event.since();
  sync::Slices slices(os::Deadline::after(wait), stop);
  sync::Waited waited = sync::Waited::again;
  while (waited == sync::Waited::again) waited = state_->event.wait(since, slices);
  return waited == sync::Waited::done;
}

}  // namespace onecopy
