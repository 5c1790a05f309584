// Handing descriptors to another process through a socket.
//
// Who may call: any thread; one sender and one receiver at a time for each socket end. What was
// sent and never received is closed by the kernel when the last end of the socket goes, so a death
// on either side leaks nothing.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "os/descriptor.hpp"

namespace onecopy::os {

// As many as the kernel takes in one message.
inline constexpr std::size_t kMaxPassedDescriptors = 253;

// Sends everything or nothing. The payload must not be empty (a stream carries descriptors only
// beside bytes); keep it small: on a stream socket one that does not fit at once is sent in parts,
// the descriptors with the first. Errors: as write_some; too_many (more than the kernel takes).
Result<void> send_descriptors(int socket, std::span<const int> descriptors,
                              std::span<const std::byte> payload);

using ReceivedDescriptors = std::pair<std::vector<Descriptor>, std::vector<std::byte>>;

// Receives one message, blocking where the socket does. Errors: as read_some, with end_of_stream
// instead of 0; too_many when descriptors were dropped, because more came than `max_descriptors` or
// because this process is short of them: those that did arrive are closed, and the message is gone.
Result<ReceivedDescriptors> receive_descriptors(int socket, std::size_t max_descriptors,
                                                std::size_t max_payload);

// Who is at the other end: as the kernel noted when the pair was made or the connection began.
struct PeerCredentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
Result<PeerCredentials> peer_credentials(int socket) noexcept;

}  // namespace onecopy::os
