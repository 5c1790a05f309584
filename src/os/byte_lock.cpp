#include "os/byte_lock.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>

#include "os/proc_path.hpp"
#include "os/system.hpp"

namespace onecopy::os {

namespace {

flock lock_of(std::uint64_t offset, short type = F_WRLCK) noexcept {
  flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(offset);
  lock.l_len = 1;
  return lock;
}

Descriptor open_anew(int fd) noexcept {
  return Descriptor(open(ProcPath::of_descriptor(fd).text(), O_RDWR | O_CLOEXEC));
}

Result<void> set_lock(int fd, const flock& lock) noexcept {
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return {};
  const bool is_taken = errno == EAGAIN || errno == EACCES;
  return Failure{is_taken ? Error::full : error_of(errno), errno};
}

}  // namespace

Result<Descriptor> hold_byte(int fd, std::uint64_t offset) noexcept {
  Descriptor file = open_anew(fd);
  if (!file) return Failure{error_of(errno), errno};
  if (auto held = set_lock(file.get(), lock_of(offset)); !held) return std::move(held).failure();
  return file;
}

Result<void> move_byte(int holder, std::uint64_t from, std::uint64_t to) noexcept {
  if (auto held = set_lock(holder, lock_of(to)); !held) return held;
  return set_lock(holder, lock_of(from, F_UNLCK));
}

Result<bool> is_byte_held(int fd, std::uint64_t offset) noexcept {
  flock lock = lock_of(offset);
  if (fcntl(fd, F_OFD_GETLK, &lock) != 0) return Failure{error_of(errno), errno};
  return lock.l_type != F_UNLCK;
}

}  // namespace onecopy::os
