#include "process/door.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "memory/family.hpp"
#include "os/descriptor_passing.hpp"
#include "os/own_descriptors.hpp"
#include "os/private_socket.hpp"
#include "os/system.hpp"
#include "os/wait_set.hpp"
#include "process/greeting.hpp"

namespace onecopy::process {
namespace {

// What who knocks may take from one message to the next.
constexpr os::Nanoseconds kPatience = 10 * os::kSecond;
// More at a time, and those that have been silent longest have to knock again. Who is welcomed has
// a place, of which there are so many, and is not sent away on its way in.
constexpr std::size_t kMostKnocks = 64;

enum class Stage : std::uint8_t { silent, welcomed, inside, gone };

struct Knock {
  int socket;
  pid_t pid;
  os::Deadline patience;
  Stage stage = Stage::silent;
  memory::Ticket place{};  // reserved for it, once welcomed
};

std::span<const std::byte> bytes_of(const Answer& answer) {
  return std::as_bytes(std::span(&answer, 1));
}

void refuse(int socket, const Failure& failure) {
  Answer answer{};
  answer.speaker = hello_of_self();
  answer.verdict = Verdict::refused;
  answer.error = static_cast<std::uint32_t>(failure.code);
  const std::string text = failure.text();
  answer.reason_bytes = static_cast<std::uint32_t>(std::min(text.size(), kLongestReason));
  std::memcpy(answer.reason, text.data(), answer.reason_bytes);
  static_cast<void>(os::send_descriptors(socket, {}, bytes_of(answer)));
}

// Whether it may be let in at all, which is settled before a word of it is read.
Result<pid_t> check_peer(int socket) {
  const auto peer = os::peer_credentials(socket);
  if (!peer) return peer.failure();
  if (peer->uid != os::user_id()) {
    return Failure{Error::permission, 0,
                   "the family belongs to user " + std::to_string(os::user_id()) +
                       ", and process " + std::to_string(peer->pid) + " to user " +
                       std::to_string(peer->uid)};
  }
  return peer->pid;
}

Failure other_namespace() {
  return {Error::permission, 0,
          "it counts processes in another way (a container with a pid namespace of its own?), so "
          "that neither could tell whether the other lives"};
}

using Message = std::array<std::byte, 256>;

enum class Heard : std::uint8_t { nothing, message, end };

Heard receive(int socket, Message& message, std::size_t& bytes) {
  const auto got = os::read_some(socket, message.data(), message.size());
  if (!got) {
    const bool later = got.error() == Error::empty || got.error() == Error::interrupted;
    return later ? Heard::nothing : Heard::end;
  }
  bytes = *got;
  return bytes == 0 ? Heard::end : Heard::message;
}

Result<void> check_hello(std::span<const std::byte> message, pid_t pid, const std::string& path) {
  Hello hello;
  if (message.size() < sizeof hello) return Failure{Error::corrupt, 0, "that is no greeting"};
  std::memcpy(&hello, message.data(), sizeof hello);
  if (hello.greeting != kGreeting) return Failure{Error::corrupt, 0, "that is no greeting"};
  if (auto same = check_versions(hello, "process " + std::to_string(pid)); !same) {
    return Failure{Error::version_mismatch, 0,
                   "at the door '" + path + "': " + same.failure().text()};
  }
  if (hello.pid != static_cast<std::uint32_t>(pid)) return other_namespace();
  return {};
}

// Reserves a place for that process and hands it over, with the arena. As the place names the
// process it goes back with its death, whoever looks.
Result<memory::Ticket> welcome(int socket, pid_t pid, const std::string& note) {
  const auto arena = memory::family_descriptor();
  if (!arena) return arena.failure();
  auto place = memory::reserve_place();
  if (!place) return place;
  memory::name_newcomer(*place, pid);
  Answer answer{};
  answer.speaker = hello_of_self();
  answer.verdict = Verdict::welcome;
  answer.slot = place->slot;
  answer.generation = place->generation;
  answer.note_bytes = static_cast<std::uint32_t>(note.size());
  std::memcpy(answer.note, note.data(), note.size());
  auto sent = os::send_descriptors(socket, std::span(&*arena, 1), bytes_of(answer));
  while (sent.error() == Error::interrupted) {
    sent = os::send_descriptors(socket, std::span(&*arena, 1), bytes_of(answer));
  }
  if (sent) return place;
  memory::release_place(*place);
  return std::move(sent).failure();
}

}  // namespace

// Equation: the set has the listening socket and the socket of each knock, which are all this
// process's own (os/own_descriptors.hpp).
struct Door::State {
  std::string path;
  std::string note;
  os::FileIdentity file;
  pid_t opener;
  os::WaitSet set;
  int listener;
  std::vector<Knock> knocks{};

  ~State();
  bool is_ours() const noexcept { return os::process_id() == opener; }
  Result<void> take_knocks();
  pid_t serve_all();

 private:
  Stage hear(Knock& knock);
  void close(const Knock& knock) noexcept;
};

Door::State::~State() {
  // What a child has of it was closed at the fork, and the file is its parent's.
  if (!is_ours()) return;
  for (const Knock& knock : knocks) close(knock);
  // Where the program has closed it, another door may stand there by now, and its file look the
  // same.
  if (os::is_own(listener)) os::remove_socket(path, file);
  set.remove(listener);
  os::close_own(listener);
}

// Whoever is there is heard once by serve_all() before anybody has to wait.
Result<void> Door::State::take_knocks() {
  for (;;) {
    const os::NoFork no_fork;
    auto socket = os::accept_connection(listener);
    if (socket.error() == Error::empty) return {};
    if (!socket) return std::move(socket).failure();
    const auto pid = check_peer(socket->get());
    if (!pid) {
      refuse(socket->get(), pid.failure());
      continue;
    }
    if (auto noted = no_fork.note(socket->get()); !noted) return noted;
    const int number = socket->release();
    knocks.push_back({.socket = number, .pid = *pid, .patience = os::Deadline::after(kPatience)});
    if (auto added = set.add(number); !added) {
      knocks.back().stage = Stage::gone;
      return added;
    }
  }
}

// The process of the first that is inside; 0: none so far.
pid_t Door::State::serve_all() {
  pid_t inside = 0;
  for (Knock& knock : knocks) {
    if (knock.stage != Stage::gone) knock.stage = hear(knock);
    if (knock.stage == Stage::inside) {
      inside = knock.pid;
      break;
    }
    if (knock.patience.expired()) knock.stage = Stage::gone;
  }
  std::size_t too_many = std::max(knocks.size(), kMostKnocks) - kMostKnocks;
  for (Knock& knock : knocks) {
    if (too_many == 0 || knock.stage != Stage::silent) continue;
    knock.stage = Stage::gone;
    --too_many;
  }
  std::erase_if(knocks, [this](const Knock& knock) {
    const bool over = knock.stage == Stage::gone || knock.stage == Stage::inside;
    if (over) close(knock);
    return over;
  });
  return inside;
}

Stage Door::State::hear(Knock& knock) {
  Message message;
  std::size_t bytes = 0;
  switch (receive(knock.socket, message, bytes)) {
    case Heard::nothing:
      return knock.stage;
    case Heard::end:
      return Stage::gone;
    case Heard::message:
      break;
  }
  if (knock.stage == Stage::welcomed) {
    return message[0] == std::byte{kInside} ? Stage::inside : Stage::gone;
  }
  if (auto good = check_hello(std::span(message).first(bytes), knock.pid, path); !good) {
    refuse(knock.socket, good.failure());
    return Stage::gone;
  }
  const auto place = welcome(knock.socket, knock.pid, note);
  if (!place) {
    refuse(knock.socket, place.failure());
    return Stage::gone;
  }
  knock.place = *place;
  knock.patience = os::Deadline::after(kPatience);
  return Stage::welcomed;
}

void Door::State::close(const Knock& knock) noexcept {
  set.remove(knock.socket);
  os::close_own(knock.socket);
  // Nothing where it has been taken.
  if (knock.place.slot != memory::kNoSlot) memory::release_place(knock.place);
}

Result<Door> Door::open(const std::string& path, const std::string& note) {
  if (note.size() > kLongestNote) {
    return Failure{Error::invalid, 0,
                   "what a door tells whoever comes in has at most " +
                       std::to_string(kLongestNote) + " bytes, and this has " +
                       std::to_string(note.size())};
  }
  auto from_the_root = os::absolute_path(path);
  if (!from_the_root) return std::move(from_the_root).failure();
  auto set = os::WaitSet::create();
  if (!set) return std::move(set).failure();
  const auto listen = [&]() -> Result<os::BoundSocket> {
    const os::NoFork no_fork;
    auto bound = os::listen_at(*from_the_root);
    if (!bound) return bound;
    if (auto noted = no_fork.note(bound->socket.get()); !noted) {
      os::remove_socket(*from_the_root, bound->file);
      return std::move(noted).failure();
    }
    return bound;
  };
  auto bound = listen();
  if (!bound) return std::move(bound).failure();
  Door door(std::unique_ptr<State>(new State{std::move(*from_the_root), note, bound->file,
                                             os::process_id(), std::move(*set),
                                             bound->socket.release()}));
  if (auto added = door.state_->set.add(door.state_->listener); !added) {
    return std::move(added).failure();
  }
  // Last: where there can be no door, this process may yet join by the one that stands there.
  if (auto arena = memory::family_descriptor(); !arena) return std::move(arena).failure();
  return door;
}

Door::Door(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Door::Door(Door&&) noexcept = default;
Door& Door::operator=(Door&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Door::~Door() = default;

Result<pid_t> Door::admit(os::Deadline deadline) {
  if (!state_->is_ours()) {
    return Failure{Error::closed, 0, "a door belongs to the process that opened it"};
  }
  for (;;) {
    auto taken = state_->take_knocks();
    // Even where nobody more can be let in: who has knocked may be done, and leave room.
    if (const pid_t pid = state_->serve_all(); pid != 0) return pid;
    if (!taken) return std::move(taken).failure();
    if (deadline.expired()) return Error::timed_out;
    os::Nanoseconds until = deadline.when();
    for (const Knock& knock : state_->knocks) until = std::min(until, knock.patience.when());
    const os::Poll found = os::poll_one(state_->set.get(), true, false, os::Deadline::at(until));
    if (found.interrupted) return Error::interrupted;
    if (found.invalid) {
      return Failure{Error::closed, 0, "the program has closed the door's descriptors"};
    }
  }
}

int Door::descriptor() const noexcept { return state_->set.get(); }
const std::string& Door::path() const noexcept { return state_->path; }

}  // namespace onecopy::process
