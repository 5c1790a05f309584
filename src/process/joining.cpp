#include "process/joining.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "memory/family.hpp"
#include "memory/local.hpp"
#include "os/descriptor_passing.hpp"
#include "os/private_socket.hpp"
#include "os/system.hpp"
#include "process/greeting.hpp"
#include "sync/wait.hpp"

namespace onecopy::process {
namespace {

constexpr os::Nanoseconds kPause = 10 * os::kMillisecond;  // from one try to the next
// Longer than any Answer, of any version.
constexpr std::size_t kLongestAnswer = 4096;

Result<void> check_newcomer() {
  if (memory::in_family()) {
    return Failure{
        Error::invalid, 0,
        "this process is in a family already: join before the first queue, pipe, lock or "
        "pool is made, and only once"};
  }
  if (memory::local().base != nullptr) {
    return Failure{
        Error::invalid, 0,
        "this process was forked from a member when its family was full, and cannot join "
        "another"};
  }
  return {};
}

// Who has the door is this user, and of this pid namespace.
Result<pid_t> check_peer(int socket, const std::string& path) {
  const auto peer = os::peer_credentials(socket);
  if (!peer) return peer.failure();
  if (peer->uid != os::user_id()) {
    return Failure{Error::permission, 0,
                   "the door '" + path + "' belongs to user " + std::to_string(peer->uid) +
                       ", and this is user " + std::to_string(os::user_id())};
  }
  return peer->pid;
}

Failure other_namespace(const std::string& path) {
  return {Error::permission, 0,
          "who has the door '" + path +
              "' counts processes in another way (a container with a pid namespace of its own?), "
              "so that neither could tell whether the other lives"};
}

bool is_nobody_there(const Failure& failure) {
  return failure.code == Error::full || failure.system_errno == ENOENT ||
         failure.system_errno == ECONNREFUSED;
}

// What a refusal says, which may be anything.
Failure refusal(const Answer& answer, const std::string& path) {
  Error code = static_cast<Error>(answer.error);
  if (answer.error == 0 || answer.error > static_cast<std::uint32_t>(Error::system)) {
    code = Error::closed;
  }
  const std::size_t length = std::min<std::size_t>(answer.reason_bytes, kLongestReason);
  return {code, 0, "refused at the door '" + path + "': " + std::string(answer.reason, length)};
}

// The first bytes are what every version sends; the rest is looked at where the versions agree.
Result<Answer> read_answer(std::span<const std::byte> bytes, pid_t pid, const std::string& path) {
  Answer answer{};
  std::memcpy(&answer, bytes.data(), std::min(bytes.size(), sizeof answer));
  if (bytes.size() < sizeof(Hello) || answer.speaker.greeting != kGreeting) {
    return Failure{Error::corrupt, 0, "what answers at '" + path + "' is no door of Onecopy"};
  }
  const std::string whose = "the family behind '" + path + "'";
  if (auto same = check_versions(answer.speaker, whose); !same) return std::move(same).failure();
  if (bytes.size() != sizeof answer) {
    return Failure{Error::corrupt, 0, "the answer at '" + path + "' is cut short"};
  }
  if (answer.verdict != Verdict::welcome) return refusal(answer, path);
  if (answer.speaker.pid != static_cast<std::uint32_t>(pid)) return other_namespace(path);
  if (answer.slot >= memory::kMaxMembers) {
    return Failure{Error::corrupt, 0, "the welcome at '" + path + "' is for no place there is"};
  }
  return answer;
}

}  // namespace

// Where there is time left the answer is "not yet", after a pause.
Result<bool> Joining::not_yet(Failure failure) const {
  if (deadline_.expired()) {
    if (failure.code != Error::full) return failure;
    return Failure{Error::timed_out, 0, "too many wait at the door '" + path_ + "'"};
  }
  os::sleep_until(deadline_.earlier_of(kPause));
  return false;
}

Result<bool> Joining::round() {
  if (connection_) return listen();
  if (auto newcomer = check_newcomer(); !newcomer) return std::move(newcomer).failure();
  auto knocked = knock();
  if (!knocked || !*knocked) return knocked;
  return listen();
}

// True: somebody was there, and has our Hello.
Result<bool> Joining::knock() {
  if (auto is_private = os::check_privacy(path_); !is_private) {
    if (is_nobody_there(is_private.failure())) {
      return not_yet({Error::system, ENOENT, "there is nobody at '" + path_ + "'"});
    }
    return std::move(is_private).failure();
  }
  auto connected = os::connect_to(path_);
  if (!connected) {
    if (is_nobody_there(connected.failure())) return not_yet(std::move(connected).failure());
    return std::move(connected).failure();
  }
  const auto peer = check_peer(connected->get(), path_);
  if (!peer) return peer.failure();
  const Hello hello = hello_of_self();
  // What cannot be sent shows in what is heard: who refuses at once has closed its end.
  static_cast<void>(
      os::send_descriptors(connected->get(), {}, std::as_bytes(std::span(&hello, 1))));
  connection_ = std::move(*connected);
  return true;
}

Result<bool> Joining::listen() {
  const os::Poll poll =
      os::poll_one(connection_.get(), true, false, deadline_.earlier_of(sync::kSlice));
  if (poll.interrupted) return false;
  const auto peer = check_peer(connection_.get(), path_);
  if (!peer) return peer.failure();
  if (poll.timed_out) {
    if (!deadline_.expired()) return false;
    return Failure{Error::timed_out, 0,
                   "nobody admits at the door '" + path_ + "', which process " +
                       std::to_string(*peer) + " has opened"};
  }
  auto received = os::receive_descriptors(connection_.get(), 1, kLongestAnswer);
  if (received.error() == Error::interrupted || received.error() == Error::empty) return false;
  // Not of the door's making, and no better another time.
  if (received.error() == Error::too_many) return std::move(received).failure();
  // Whoever closes before it has read what we sent leaves an error in front of its answer.
  if (!received && received.error() != Error::end_of_stream) {
    received = os::receive_descriptors(connection_.get(), 1, kLongestAnswer);
  }
  if (!received) {
    connection_.reset();
    return not_yet({Error::closed, 0,
                    "process " + std::to_string(*peer) + " has closed the door '" + path_ +
                        "' before it answered"});
  }
  auto& [descriptors, bytes] = *received;
  const auto answer = read_answer(bytes, *peer, path_);
  if (!answer) return answer.failure();
  if (descriptors.size() != 1) {
    return Failure{Error::corrupt, 0, "the welcome at '" + path_ + "' brings no memory"};
  }
  const memory::Ticket place{answer->slot, answer->generation};
  if (auto adopted = memory::adopt(descriptors[0].get(), place); !adopted) {
    if (adopted.error() != Error::closed) return std::move(adopted).failure();
    connection_.reset();
    return not_yet({Error::closed, 0,
                    "the place at the door '" + path_ + "' was taken back before it was taken"});
  }
  if (memory::self_ticket() != place) return std::move(check_newcomer()).failure();
  note_.assign(answer->note, std::min<std::size_t>(answer->note_bytes, kLongestNote));
  // Where it is not heard the place is taken all the same.
  static_cast<void>(os::write_some(connection_.get(), &kInside, 1));
  connection_.reset();
  return true;
}

}  // namespace onecopy::process
