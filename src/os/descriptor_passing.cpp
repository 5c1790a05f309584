#include "os/descriptor_passing.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>

#include "os/system.hpp"

namespace onecopy::os {

namespace {

// Room for the descriptors of one message, aligned as the kernel wants it.
struct alignas(cmsghdr) ControlBuffer {
  char bytes[CMSG_SPACE(kMaxPassedDescriptors * sizeof(int))];
};

// Sends what did not fit beside the descriptors. There is no way back once they are on their way,
// so this waits for room, and goes on after signals.
Result<void> send_rest(int socket, std::span<const std::byte> rest) {
  while (!rest.empty()) {
    const auto sent = write_some(socket, rest.data(), rest.size());
    if (sent) {
      rest = rest.subspan(*sent);
    } else if (sent.error() == Error::full) {
      poll_one(socket, false, true, Deadline::never());
    } else if (sent.error() != Error::interrupted) {
      return sent.failure();
    }
  }
  return {};
}

}  // namespace

Result<void> send_descriptors(int socket, std::span<const int> descriptors,
                              std::span<const std::byte> payload) {
  if (payload.empty()) return Failure{Error::invalid, 0, "descriptors travel beside bytes only"};
  if (descriptors.size() > kMaxPassedDescriptors) {
    return Failure{Error::too_many, 0, "too many descriptors for one message"};
  }
  iovec part{const_cast<std::byte*>(payload.data()), payload.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  if (!descriptors.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  if (sent < 0) {
    const int reason = errno;
    if (reason == EAGAIN) return Failure{Error::full, reason};
    if (reason == EINTR) return Failure{Error::interrupted, reason};
    return system_failure(reason, "cannot pass descriptors to another process");
  }
  return send_rest(socket, payload.subspan(static_cast<std::size_t>(sent)));
}

Result<ReceivedDescriptors> receive_descriptors(int socket, std::size_t max_descriptors,
                                                std::size_t max_payload) {
  if (max_payload == 0 || max_descriptors > kMaxPassedDescriptors) {
    return Failure{Error::invalid, 0, "no such message can arrive"};
  }
  // All memory first: nothing may fail between taking the descriptors and owning them.
  ReceivedDescriptors received;
  auto& [descriptors, payload] = received;
  descriptors.reserve(kMaxPassedDescriptors);
  payload.resize(max_payload);

  iovec part{payload.data(), payload.size()};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = max_descriptors == 0 ? nullptr : control.bytes;
  // CMSG_SPACE would round up, and let one descriptor too many in.
  message.msg_controllen = max_descriptors == 0 ? 0 : CMSG_LEN(max_descriptors * sizeof(int));
  const ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (length < 0) return Failure{errno == EAGAIN ? Error::empty : error_of(errno), errno};

  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return Failure{Error::too_many, 0,
                   "descriptors of a message were dropped: more came than expected, or this "
                   "process has too many open (ulimit -n)"};
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    return Failure{Error::too_many, 0, "a message is longer than expected"};
  }
  if (length == 0) return Error::end_of_stream;
  payload.resize(static_cast<std::size_t>(length));
  return received;
}

Result<PeerCredentials> peer_credentials(int socket) noexcept {
  ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return Failure{error_of(errno), errno};
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace onecopy::os
