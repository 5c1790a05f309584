// Finding what is published, and waiting until it is.
//
// Any thread of any member. A death leaves nothing.
#pragma once

#include <string_view>
#include <utility>

#include "names/table.hpp"

namespace onecopy::names {

// One round of finding: looks, and where there is no such name waits for one to be published, for
// about a slice (50 ms) and then looks again. What `open(found)` gives, a Result; its Error::closed
// means gone since, and counts as no such name. Error::not_found while the deadline is not over,
// or Error::interrupted: not yet, so the caller looks at its signals and calls again.
template <class Open>
auto find_round(std::string_view name, os::Deadline deadline, const Open& open)
    -> decltype(open(std::declval<const Found&>())) {
  const auto look = [&]() -> decltype(open(std::declval<const Found&>())) {
    const Result<Found> found = look_up(name);
    if (!found) return found.failure();
    auto opened = open(*found);
    if (opened.error() != Error::closed) return opened;
    return Failure{Error::not_found, 0,
                   "what was published as '" + std::string(name) + "' is gone"};
  };
  const std::uint64_t seen = changes();
  auto found = look();
  if (found.error() != Error::not_found || deadline.expired()) return found;
  wait_for_change(seen, deadline);
  return look();
}

// Rounds until the deadline is over: Error::not_found then. Signals do not end it.
template <class Open>
auto find(std::string_view name, os::Deadline deadline, const Open& open)
    -> decltype(open(std::declval<const Found&>())) {
  for (;;) {
    auto found = find_round(name, deadline, open);
    if (found.error() == Error::interrupted) continue;
    if (found.error() != Error::not_found || deadline.expired()) return found;
  }
}

}  // namespace onecopy::names
