#include "os/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/system.hpp"

namespace onecopy::os {

namespace {

short wanted(bool read, bool write) noexcept {
  return static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0));
}

Poll decode(short found, bool read, bool write) noexcept {
  Poll poll;
  poll.invalid = (found & POLLNVAL) != 0;
  poll.hung_up = (found & (POLLHUP | POLLERR)) != 0;
  // A pipe whose other end is gone reports only that; a read or write answers at once all the same.
  poll.readable = read && (found & (POLLIN | POLLHUP | POLLERR)) != 0;
  poll.writable = write && (found & (POLLOUT | POLLHUP | POLLERR)) != 0;
  return poll;
}

int wait_for(pollfd* entries, std::size_t count, Deadline deadline) noexcept {
  const timespec left = to_timespec(deadline.remaining());
  return ppoll(entries, count, deadline.is_never() ? nullptr : &left, nullptr);
}

// The highest numbers are given out last: where so many of those are free there is room.
bool are_last_numbers_free(std::size_t count) noexcept {
  std::array<pollfd, 16> entries;
  rlimit limit;
  if (count > entries.size() || getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  const rlim_t end = std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<int>::max());
  if (end < count) return false;
  for (std::size_t i = 0; i < count; ++i) entries[i] = {static_cast<int>(end - 1 - i), 0, 0};
  const int found = poll(entries.data(), count, 0);
  return found == static_cast<int>(count) &&
         std::all_of(entries.begin(), entries.begin() + found,
                     [](const pollfd& entry) { return entry.revents == POLLNVAL; });
}

}  // namespace

void Descriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  const int saved = errno;
  // Linux has freed the number even when close() reports EINTR: never repeat it.
  close(old);
  errno = saved;
}

Result<std::pair<Descriptor, Descriptor>> stream_pair(bool non_blocking) {
  const int type = SOCK_STREAM | SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0);
  int ends[2];
  if (socketpair(AF_UNIX, type, 0, ends) != 0) {
    return system_failure(errno, "cannot make a pair of sockets");
  }
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

Result<std::pair<Descriptor, Descriptor>> pipe_pair(bool non_blocking) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | (non_blocking ? O_NONBLOCK : 0)) != 0) {
    return system_failure(errno, "cannot make a pipe");
  }
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

Result<Descriptor> event_descriptor() {
  Descriptor descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor) return system_failure(errno, "cannot make an event descriptor");
  return descriptor;
}

Result<Descriptor> duplicate(int fd) {
  Descriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return system_failure(errno, "cannot duplicate a descriptor");
  return copy;
}

Result<void> check_room_for(std::size_t count) {
  if (are_last_numbers_free(count)) return {};
  std::vector<Descriptor> opened;
  while (opened.size() < count) {
    auto next = opened.empty() ? event_descriptor() : duplicate(opened.front().get());
    if (!next) return std::move(next).failure();
    opened.push_back(std::move(*next));
  }
  return {};
}

Result<void> set_inheritable(int fd, bool on) noexcept {
  const int flags = fcntl(fd, F_GETFD);
  const int wanted = on ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
  if (flags >= 0 && fcntl(fd, F_SETFD, wanted) == 0) return {};
  return Failure{error_of(errno), errno};
}

Result<FileIdentity> identify(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return Failure{error_of(errno), errno};
  return FileIdentity{status.st_dev, status.st_ino};
}

Poll poll_one(int fd, bool read, bool write, Deadline deadline) noexcept {
  Poll poll;
  pollfd entry{fd, wanted(read, write), 0};
  // The kernel skips negative numbers, and would wait for ever.
  const int count = fd < 0 ? -1 : wait_for(&entry, 1, deadline);
  if (count > 0) return decode(entry.revents, read, write);
  poll.timed_out = count == 0;
  poll.interrupted = fd >= 0 && count < 0 && errno == EINTR;
  poll.invalid = count < 0 && !poll.interrupted;
  return poll;
}

Result<std::size_t> poll_many(std::span<PollEntry> entries, Deadline deadline) {
  std::vector<pollfd> polled(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    polled[i] = {entries[i].fd, wanted(entries[i].read, entries[i].write), 0};
    entries[i].found = {};
    entries[i].found.invalid = entries[i].fd < 0;
  }
  const auto bad = [](const PollEntry& entry) { return entry.found.invalid; };
  const auto bad_count =
      static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), bad));
  const int count =
      wait_for(polled.data(), polled.size(), bad_count > 0 ? Deadline::at(0) : deadline);
  // More entries than RLIMIT_NOFILE is EINVAL.
  if (count < 0) return Failure{errno == EINVAL ? Error::too_many : error_of(errno), errno};
  if (count == 0 && bad_count == 0) return Error::timed_out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (polled[i].revents != 0) {
      entries[i].found = decode(polled[i].revents, entries[i].read, entries[i].write);
    }
  }
  return bad_count + static_cast<std::size_t>(count);
}

Result<std::size_t> read_some(int fd, void* to, std::size_t length) noexcept {
  const ssize_t count = read(fd, to, length);
  if (count >= 0) return static_cast<std::size_t>(count);
  return Failure{errno == EAGAIN ? Error::empty : error_of(errno), errno};
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, void* to, std::size_t length) noexcept {
  const ssize_t count = pread(fd, to, length, static_cast<off_t>(offset));
  if (count >= 0) return static_cast<std::size_t>(count);
  return Failure{error_of(errno), errno};
}

Result<std::size_t> write_some(int fd, const void* from, std::size_t length) noexcept {
  ssize_t count = send(fd, from, length, MSG_NOSIGNAL);
  if (count < 0 && errno == ENOTSOCK) count = write(fd, from, length);
  if (count >= 0) return static_cast<std::size_t>(count);
  return Failure{errno == EAGAIN ? Error::full : error_of(errno), errno};
}

}  // namespace onecopy::os
