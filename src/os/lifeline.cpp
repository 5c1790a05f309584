#include "os/lifeline.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/descriptor.hpp"
#include "os/system.hpp"

namespace onecopy::os {

Result<void> arm_lifeline(int fd) noexcept {
  int type = 0;
  socklen_t length = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
    return Failure{error_of(errno), errno};
  }
  if (type != SOCK_STREAM) return Failure{Error::invalid, EINVAL};

  // The kernel's signal tells "something happened", not what: leave only the hang-up to happen.
  // The poll below still tells a peer that closed from reading being shut down here.
  const bool shut = shutdown(fd, SHUT_RD) == 0 || errno == ENOTCONN;
  const int flags = fcntl(fd, F_GETFL);
  if (!shut || flags < 0 || fcntl(fd, F_SETOWN, getpid()) != 0 ||
      fcntl(fd, F_SETSIG, SIGKILL) != 0 || fcntl(fd, F_SETFL, flags | O_ASYNC) != 0) {
    return Failure{error_of(errno), errno};
  }
  // A peer that went before the signal was armed raised none.
  if (poll_one(fd, false, false, Deadline::at(0)).hung_up) kill_self();
  return {};
}

}  // namespace onecopy::os
