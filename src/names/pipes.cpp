#include "names/pipes.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "os/descriptor_desk.hpp"
#include "os/own_descriptors.hpp"

namespace onecopy::names {
namespace {

// How long the desk of a publisher that lives may take, where nobody has said how long to wait; and
// a slice of waiting where somebody has.
constexpr os::Nanoseconds kPatience = 2 * os::kSecond;
constexpr os::Nanoseconds kSlice = 50 * os::kMillisecond;

// What this process holds of an end that it has published.
struct Kept {
  channel::Channel incoming;
  channel::Channel outgoing;
  os::DescriptorDesk desk;
};

// By the address of the desk, which no two have. Under NoFork, so that a forked child finds it
// whole; there it has what is the parent's. Never destroyed: names may be found while the process
// exits.
using AllKept = std::map<std::uint64_t, Kept>;
AllKept& all_kept() {
  static AllKept& kept = *new AllKept;
  return kept;
}

Result<channel::Channel> another_handle(const channel::Channel& on) {
  if (!on.valid()) return channel::Channel();
  return channel::Channel::open(on.name());
}

Result<Kept> keep(const channel::PipeEnd& end) {
  auto incoming = another_handle(end.incoming);
  if (!incoming) return std::move(incoming).failure();
  auto outgoing = another_handle(end.outgoing);
  if (!outgoing) return std::move(outgoing).failure();
  auto desk = os::DescriptorDesk::open(end.socket.get());
  if (!desk) return std::move(desk).failure();
  return Kept{std::move(*incoming), std::move(*outgoing), std::move(*desk)};
}

PipeBody body_of(const Kept& kept) {
  PipeBody body{};
  body.receives = kept.incoming.valid() ? 1 : 0;
  body.sends = kept.outgoing.valid() ? 1 : 0;
  if (body.receives != 0) body.incoming = kept.incoming.name();
  if (body.sends != 0) body.outgoing = kept.outgoing.name();
  body.desk = kept.desk.address();
  return body;
}

PipeBody body_in(const Found& found) {
  PipeBody body{};
  std::memcpy(&body, found.body.data(), std::min(found.body.size(), sizeof body));
  return body;
}

Result<channel::Channel> open_channel(channel::Name name, std::uint32_t there_is) {
  if (there_is == 0) return channel::Channel();
  return channel::Channel::open(name);
}

void let_go(const os::DeskAddress& desk) noexcept {
  std::optional<Kept> kept;
  {
    const os::NoFork no_fork;
    const auto found = all_kept().find(desk.words[0]);
    if (found == all_kept().end()) return;
    kept.emplace(std::move(found->second));
    all_kept().erase(found);
  }
}

// By a publisher that lives.
bool is_published_still(std::string_view name, const PipeBody& body) {
  const Result<Found> now = look_up(name);
  return now && now->what == What::pipe && body_in(*now).desk.words[0] == body.desk.words[0];
}

}  // namespace

Result<void> publish_pipe(std::string_view name, const channel::PipeEnd& end) {
  auto kept = keep(end);
  if (!kept) return std::move(kept).failure();
  const PipeBody body = body_of(*kept);
  {
    const os::NoFork no_fork;
    all_kept().emplace(body.desk.words[0], std::move(*kept));
  }
  Result<void> published = publish_value(name, What::pipe, std::as_bytes(std::span(&body, 1)), {});
  if (!published) let_go(body.desk);
  return published;
}

Result<channel::PipeEnd> open_pipe(std::string_view name, const Found& found, os::Deadline deadline,
                                   bool waits) {
  if (found.what != What::pipe) {
    return Failure{
        Error::invalid, 0,
        "'" + std::string(name) + "' names " + describe(found.what) + ", not an end of a pipe"};
  }
  const PipeBody body = body_in(found);
  auto socket = os::ask_desk(body.desk, os::Deadline::after(waits ? kSlice : kPatience));
  if (socket.error() == Error::timed_out) {
    return Failure{deadline.expired() ? Error::timed_out : Error::not_found, 0,
                   "process " + std::to_string(found.publisher) + ", which has published '" +
                       std::string(name) +
                       "', does not hand it out (is it stopped, or out of descriptors?)"};
  }
  if (socket.error() == Error::closed && is_published_still(name, body)) {
    return Failure{Error::system, ECONNREFUSED,
                   "process " + std::to_string(found.publisher) + ", which has published '" +
                       std::string(name) +
                       "', does not hand it out here: it is in another network namespace, or of "
                       "another user, or has closed its descriptors"};
  }
  if (!socket) return std::move(socket).failure();
  // Who has the socket keeps neither channel: the publisher has, and may let them go by now.
  auto incoming = open_channel(body.incoming, body.receives);
  if (!incoming) return std::move(incoming).failure();
  auto outgoing = open_channel(body.outgoing, body.sends);
  if (!outgoing) return std::move(outgoing).failure();
  return channel::PipeEnd(std::move(*socket), std::move(*incoming), std::move(*outgoing));
}

void let_go_pipe(const Found& found) noexcept { let_go(body_in(found).desk); }

}  // namespace onecopy::names
