#include "os/descriptor_desk.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "os/descriptor_passing.hpp"
#include "os/own_descriptors.hpp"
#include "os/private_socket.hpp"
#include "os/random.hpp"
#include "os/system.hpp"

namespace onecopy::os {
namespace {

constexpr int kBacklog = 64;
constexpr Nanoseconds kPause = 5 * kMillisecond;

struct SocketAddress {
  sockaddr_un address{};
  socklen_t length = 0;
};

// In the abstract namespace: the name begins with a zero byte, and has no file.
SocketAddress socket_address_of(const DeskAddress& desk) noexcept {
  SocketAddress made;
  made.address.sun_family = AF_UNIX;
  char* name = made.address.sun_path + 1;
  const std::size_t room = sizeof made.address.sun_path - 1;
  const int written = std::snprintf(name, room, "onecopy-desk-%016llx%016llx",
                                    static_cast<unsigned long long>(desk.words[0]),
                                    static_cast<unsigned long long>(desk.words[1]));
  made.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                       static_cast<std::size_t>(written));
  return made;
}

const sockaddr* as_sockaddr(const SocketAddress& of) noexcept {
  return reinterpret_cast<const sockaddr*>(&of.address);
}

Result<Descriptor> listen_for(const DeskAddress& desk) {
  auto made = message_socket();
  if (!made) return made;
  const SocketAddress at = socket_address_of(desk);
  if (bind(made->get(), as_sockaddr(at), at.length) != 0 || listen(made->get(), kBacklog) != 0) {
    return system_failure(errno, "cannot listen for who asks for a descriptor");
  }
  return made;
}

bool is_of_this_user(int socket) {
  const auto peer = peer_credentials(socket);
  return peer && peer->uid == user_id();
}

// What a thread started meanwhile has blocked.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

// All three descriptors are this process's own.
struct DescriptorDesk::State {
  DeskAddress address{random_u64(), random_u64()};
  pid_t opener = process_id();
  int handed = -1;
  int listener = -1;
  int stop = -1;
  std::thread thread{};

  Result<void> set_up(int descriptor);
  Result<void> start();
  void close() noexcept;
  void serve() const;
  bool hand_to_next() const;
};

Result<void> DescriptorDesk::State::set_up(int descriptor) {
  const NoFork no_fork;
  const auto keep = [&no_fork](int& number, Result<Descriptor> made) -> Result<void> {
    if (!made) return std::move(made).failure();
    if (auto noted = no_fork.note(made->get()); !noted) return noted;
    number = made->release();
    return {};
  };
  if (auto kept = keep(handed, duplicate(descriptor)); !kept) return kept;
  if (auto kept = keep(listener, listen_for(address)); !kept) return kept;
  return keep(stop, event_descriptor());
}

Result<void> DescriptorDesk::State::start() {
  const AllSignalsBlocked blocked;
  try {
    thread = std::thread([this] { serve(); });
  } catch (const std::system_error& error) {
    return Failure{Error::too_many, error.code().value(),
                   "there can be no thread that hands a descriptor to who asks"};
  }
  pthread_setname_np(thread.native_handle(), "onecopy-desk");
  return {};
}

void DescriptorDesk::State::close() noexcept {
  if (thread.joinable()) {
    const std::uint64_t one = 1;
    static_cast<void>(write_some(stop, &one, sizeof one));
    thread.join();
  }
  for (const int own : {handed, listener, stop}) {
    if (own >= 0) close_own(own);
  }
}

void DescriptorDesk::State::serve() const {
  for (;;) {
    std::array<PollEntry, 2> waited{PollEntry{.fd = stop, .read = true},
                                    PollEntry{.fd = listener, .read = true}};
    static_cast<void>(poll_many(waited, Deadline::never()));
    // The program may have closed them: then nobody can ask, or be told.
    if (waited[0].found.readable || waited[0].found.invalid || waited[1].found.invalid) return;
    if (!waited[1].found.readable || hand_to_next()) continue;
    // No descriptor is free for who asks, who still waits.
    if (poll_one(stop, true, false, Deadline::after(kPause)).readable) return;
  }
}

bool DescriptorDesk::State::hand_to_next() const {
  const auto asker = accept_connection(listener);
  if (!asker) return asker.error() == Error::empty;
  if (!is_of_this_user(asker->get())) return true;
  const std::byte payload{1};
  static_cast<void>(send_descriptors(asker->get(), std::span(&handed, 1), std::span(&payload, 1)));
  return true;
}

Result<DescriptorDesk> DescriptorDesk::open(int descriptor) {
  DescriptorDesk desk(std::make_unique<State>());
  if (auto ready = desk.state_->set_up(descriptor); !ready) return std::move(ready).failure();
  if (auto started = desk.state_->start(); !started) return std::move(started).failure();
  return desk;
}

DescriptorDesk::DescriptorDesk(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
DescriptorDesk::DescriptorDesk(DescriptorDesk&&) noexcept = default;
DescriptorDesk& DescriptorDesk::operator=(DescriptorDesk&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

DescriptorDesk::~DescriptorDesk() {
  if (!state_) return;
  if (state_->opener == process_id()) {
    state_->close();
  } else {
    // A forked child has the object and not the thread, which can be neither joined nor forgotten.
    [[maybe_unused]] const State* left_behind = state_.release();
  }
}

const DeskAddress& DescriptorDesk::address() const noexcept { return state_->address; }

Result<Descriptor> ask_desk(const DeskAddress& address, Deadline deadline) {
  const SocketAddress at = socket_address_of(address);
  const Failure silent{Error::timed_out, 0, "who hands it out does not answer (is it stopped?)"};
  auto made = message_socket();
  if (!made) return made;
  while (connect(made->get(), as_sockaddr(at), at.length) != 0) {
    if (errno == ECONNREFUSED) return Error::closed;
    if (errno != EAGAIN && errno != EINTR) return system_failure(errno, "cannot ask");
    if (deadline.expired()) return silent;
    sleep_until(Deadline::after(kPause));
  }
  if (!is_of_this_user(made->get())) {
    return Failure{Error::permission, 0, "another user is at the address where it was handed out"};
  }
  while (!poll_one(made->get(), true, false, deadline).readable) {
    if (deadline.expired()) return silent;
  }
  auto received = receive_descriptors(made->get(), 1, 1);
  if (received.error() == Error::end_of_stream || received.error() == Error::broken_pipe) {
    return Error::closed;
  }
  if (!received) return std::move(received).failure();
  if (received->first.empty()) return Error::closed;
  return std::move(received->first.front());
}

}  // namespace onecopy::os
