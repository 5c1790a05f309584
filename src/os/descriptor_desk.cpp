#include "os/descriptor_desk.hpp"

#include <atomic>
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

// The process, which a forked child is not, and how many desks it has.
std::atomic<std::uint64_t> desks_of_process{0};

std::uint64_t this_process() noexcept { return std::uint64_t(process_id()) << 32; }

std::size_t desks_in(std::uint64_t counted) noexcept {
  return counted >> 32 == this_process() >> 32 ? static_cast<std::uint32_t>(counted) : 0;
}

// Relaxed: a figure, by which nothing is found.
void count_desks(int more) noexcept {
  std::uint64_t counted = desks_of_process.load(std::memory_order_relaxed);
  std::uint64_t then = 0;
  do {
    then = this_process() | (desks_in(counted) + static_cast<std::size_t>(more));
  } while (!desks_of_process.compare_exchange_weak(counted, then, std::memory_order_relaxed));
}

// A thread that is started meanwhile has them blocked for good.
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

struct DescriptorDesk::State {
  DeskAddress address{random_u64(), random_u64()};
  pid_t opener = process_id();
  // As the kernel tells whoever connects, and does so still when the process is another user's.
  uid_t opened_as = user_id();
  OwnDescriptor handed{};
  OwnDescriptor listener{};
  std::atomic<bool> stopping{false};
  std::thread thread{};

  Result<void> set_up(int descriptor);
  Result<void> start();
  bool stop() noexcept;
  void serve() const;
  bool hand_to_next() const;
  bool may_have_it(int asker) const;
};

Result<void> DescriptorDesk::State::set_up(int descriptor) {
  const NoFork no_fork;
  const auto keep = [&no_fork](OwnDescriptor& own, Result<Descriptor> made) -> Result<void> {
    if (!made) return std::move(made).failure();
    if (auto noted = no_fork.note(made->get()); !noted) return noted;
    own = OwnDescriptor(made->release());
    return {};
  };
  if (auto kept = keep(handed, duplicate(descriptor)); !kept) return kept;
  return keep(listener, listen_for(address));
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
  count_desks(1);
  return {};
}

// False: the thread looks at this still, now or later. It sleeps in a poll of a socket whose number
// the program has closed, and nothing but an asker wakes it.
bool DescriptorDesk::State::stop() noexcept {
  bool stopped = true;
  if (thread.joinable()) {
    // Release: pairs with the thread's look, once it is awake.
    stopping.store(true, std::memory_order_release);
    count_desks(-1);
    stopped = is_own(listener.get()) && shutdown(listener.get(), SHUT_RDWR) == 0;
    if (stopped) {
      thread.join();
    } else {
      thread.detach();
      // The thread may read the number.
      close_own(handed.get());
    }
  }
  return stopped;
}

void DescriptorDesk::State::serve() const {
  for (;;) {
    static_cast<void>(poll_one(listener.get(), true, false, Deadline::never()));
    if (stopping.load(std::memory_order_acquire)) return;
    if (!hand_to_next()) return;
  }
}

// False where there is nothing to hand out any more: the program has closed the descriptors, and
// other files may have their numbers.
bool DescriptorDesk::State::hand_to_next() const {
  Error why = Error::none;
  {
    const NoFork no_fork;
    if (!no_fork.owns(listener.get()) || !no_fork.owns(handed.get())) return false;
    const auto asker = accept_connection(listener.get());
    if (asker) {
      if (!may_have_it(asker->get())) return true;
      const int descriptor = handed.get();
      const std::byte payload{1};
      static_cast<void>(
          send_descriptors(asker->get(), std::span(&descriptor, 1), std::span(&payload, 1)));
      return true;
    }
    why = asker.error();
  }
  // Who asks waits still: no descriptor is free for it, or none may be had at all.
  if (why != Error::empty) sleep_until(Deadline::after(kPause));
  return true;
}

bool DescriptorDesk::State::may_have_it(int asker) const {
  const auto peer = peer_credentials(asker);
  return peer && (peer->uid == opened_as || peer->uid == user_id());
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
  // A forked child has the object and not the thread, which can be neither joined nor forgotten.
  if (state_->opener != process_id() || !state_->stop()) {
    [[maybe_unused]] const State* left_behind = state_.release();
  }
}

const DeskAddress& DescriptorDesk::address() const noexcept { return state_->address; }

std::size_t desk_count() noexcept {
  return desks_in(desks_of_process.load(std::memory_order_relaxed));
}

Result<Descriptor> ask_desk(const DeskAddress& address, Deadline deadline) {
  const SocketAddress at = socket_address_of(address);
  auto made = message_socket();
  if (!made) return made;
  while (connect(made->get(), as_sockaddr(at), at.length) != 0) {
    if (errno == ECONNREFUSED) return Error::closed;
    if (errno == EINTR) return Error::interrupted;
    if (errno != EAGAIN) return system_failure(errno, "cannot ask for a descriptor");
    if (deadline.expired()) return Error::timed_out;
    sleep_until(Deadline::after(kPause));
  }
  const auto peer = peer_credentials(made->get());
  if (!peer) return peer.failure();
  // Root may have opened it and be nobody by now.
  if (peer->uid != user_id() && peer->uid != 0) {
    return Failure{Error::permission, 0, "another user is at the address where it was handed out"};
  }
  const Poll found = poll_one(made->get(), true, false, deadline);
  if (found.interrupted) return Error::interrupted;
  if (!found.readable) return found.timed_out ? Error::timed_out : Error::closed;
  auto received = receive_descriptors(made->get(), 1, 1);
  if (received.error() == Error::end_of_stream || received.error() == Error::broken_pipe) {
    return Error::closed;
  }
  if (!received) return std::move(received).failure();
  if (received->first.empty()) return Error::closed;
  return std::move(received->first.front());
}

}  // namespace onecopy::os
