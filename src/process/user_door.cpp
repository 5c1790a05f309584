// The door of include/onecopy/door.hpp, and joining by include/onecopy/family.hpp.
#include <onecopy/door.hpp>
#include <onecopy/family.hpp>

#include <utility>

#include "process/door.hpp"
#include "process/joining.hpp"
#include "sync/wait.hpp"

namespace onecopy {
namespace {

os::Deadline deadline_of(std::int64_t wait) noexcept {
  return wait == detail::kForever ? os::Deadline::never() : os::Deadline::after(wait);
}

}  // namespace

struct Door::State {
  process::Door door;
};

Result<Door> Door::open(const std::string& path) {
  auto opened = process::Door::open(path);
  if (!opened) return std::move(opened).failure();
  return Door(detail::make_unique_pointer<State>(State{std::move(*opened)}));
}

Door::Door(detail::UniquePointer<State> state) noexcept : state_(std::move(state)) {}
Door::Door(Door&&) noexcept = default;
Door& Door::operator=(Door&&) noexcept = default;
Door::~Door() = default;

Result<int> Door::admit(std::int64_t wait) {
  if (closed()) return Failure{Error::closed, 0, "the door is closed"};
  const os::Deadline deadline = deadline_of(wait);
  for (;;) {
    const auto admitted = state_->door.admit(deadline);
    if (admitted.error() != Error::interrupted) return admitted;
  }
}

Result<int> Door::admit_until(detail::Stop stop) {
  return sync::until_stopped(stop, [this](std::int64_t wait) { return admit(wait); });
}

int Door::fileno() const noexcept { return closed() ? -1 : state_->door.descriptor(); }
std::string Door::path() const { return closed() ? std::string() : state_->door.path(); }
void Door::close() noexcept { state_ = nullptr; }

namespace family {

Result<void> detail::join(const std::string& path, std::int64_t wait) {
  process::Joining joining(path, deadline_of(wait));
  for (;;) {
    const auto joined = joining.round();
    if (!joined) return joined.failure();
    if (*joined) return {};
  }
}

}  // namespace family
}  // namespace onecopy
