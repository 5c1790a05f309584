#include "os/wait_set.hpp"

#include <cerrno>

#include <sys/epoll.h>

#include "os/system.hpp"

namespace onecopy::os {

Result<WaitSet> WaitSet::create() {
  Descriptor made(epoll_create1(EPOLL_CLOEXEC));
  if (!made) return system_failure(errno, "cannot make a set of descriptors to wait for");
  return WaitSet(std::move(made));
}

Result<void> WaitSet::add(int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.fd = fd;
  if (epoll_ctl(descriptor_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return system_failure(errno, "cannot wait for a descriptor");
}

void WaitSet::remove(int fd) noexcept {
  epoll_event unused{};
  epoll_ctl(descriptor_.get(), EPOLL_CTL_DEL, fd, &unused);
}

}  // namespace onecopy::os
