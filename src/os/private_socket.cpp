#include "os/private_socket.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/descriptor_passing.hpp"
#include "os/system.hpp"

namespace onecopy::os {

namespace {

constexpr mode_t kPrivate = 0700;
constexpr mode_t kOthers = 0077;
constexpr int kBacklog = 64;
constexpr Nanoseconds kPatience = 5 * kSecond;
constexpr Nanoseconds kPause = 5 * kMillisecond;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Failure system_failure_at(int reason, const std::string& path, const char* what) {
  return system_failure(reason, (std::string(what) + " '" + path + "'").c_str());
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

Result<Descriptor> open_directory(const std::string& path) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return system_failure_at(errno, path, "cannot open the directory");
  struct stat status;
  if (fstat(directory.get(), &status) != 0) {
    return system_failure_at(errno, path, "cannot look at the directory");
  }
  if (status.st_uid != user_id()) {
    return Failure{Error::permission, EPERM,
                   "the directory '" + path + "' belongs to user " + std::to_string(status.st_uid) +
                       ", and this is user " + std::to_string(user_id())};
  }
  if ((status.st_mode & kOthers) != 0) {
    return Failure{Error::permission, EPERM,
                   "the directory '" + path + "' is open to others, with mode " +
                       octal(status.st_mode) + "; it must have 0700"};
  }
  return directory;
}

// Held by one process at a time.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(Descriptor directory, const std::string& path) {
    const Deadline deadline = Deadline::after(kPatience);
    while (flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        return system_failure_at(errno, path, "cannot lock the directory");
      }
      if (deadline.expired()) {
        return Failure{Error::timed_out, 0,
                       "another process keeps the directory '" + path + "' locked"};
      }
      sleep_until(Deadline::after(kPause));
    }
    return DirectoryLock(std::move(directory));
  }
  DirectoryLock(DirectoryLock&&) = default;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  // Not by closing alone: a child that was forked meanwhile has it open too.
  ~DirectoryLock() {
    if (directory_) flock(directory_.get(), LOCK_UN);
  }

 private:
  explicit DirectoryLock(Descriptor directory) : directory_(std::move(directory)) {}
  Descriptor directory_;
};

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Failure too_long(const std::string& path) {
  return {Error::invalid, ENAMETOOLONG,
          "a socket's path has less than " + std::to_string(sizeof(sockaddr_un::sun_path)) +
              " bytes, and '" + path + "' has " + std::to_string(path.size())};
}

Failure in_use(const std::string& path, const std::string& by) {
  return {Error::system, EADDRINUSE, "'" + path + "' " + by};
}

// Removes what a dead process left at the path. With the lock on the directory.
Result<void> clear_the_way(const std::string& path) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_failure_at(errno, path, "cannot look at");
  }
  if (!S_ISSOCK(status.st_mode)) return in_use(path, "is there already, and is no socket");
  const auto connected = connect_to(path);
  if (connected) {
    const auto peer = peer_credentials(connected->get());
    return in_use(path, "is open already, by process " + std::to_string(peer ? peer->pid : 0));
  }
  if (connected.error() == Error::full) return in_use(path, "is open already, and crowded");
  if (connected.failure().system_errno != ECONNREFUSED) return connected.failure();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return system_failure_at(errno, path, "cannot remove the abandoned");
  }
  return {};
}

}  // namespace

Result<Descriptor> message_socket() {
  Descriptor made(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return system_failure(errno, "cannot make a socket");
  return made;
}

Result<std::string> absolute_path(const std::string& path) {
  if (path.starts_with('/')) return path;
  std::string directory(4096, '\0');
  if (getcwd(directory.data(), directory.size()) == nullptr) {
    return system_failure(errno, "there is no working directory");
  }
  directory.resize(std::strlen(directory.c_str()));
  return directory + "/" + path;
}

Result<void> check_privacy(const std::string& path) {
  auto directory = open_directory(directory_of(path));
  if (!directory) return std::move(directory).failure();
  return {};
}

Result<BoundSocket> listen_at(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return too_long(path);
  const std::string folder = directory_of(path);
  if (mkdir(folder.c_str(), kPrivate) != 0 && errno != EEXIST) {
    return system_failure_at(errno, folder, "cannot make the directory");
  }
  auto directory = open_directory(folder);
  if (!directory) return std::move(directory).failure();
  auto lock = DirectoryLock::take(std::move(*directory), folder);
  if (!lock) return std::move(lock).failure();
  if (auto clear = clear_the_way(path); !clear) return std::move(clear).failure();
  auto made = message_socket();
  if (!made) return std::move(made).failure();
  if (bind(made->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return system_failure_at(errno, path, "cannot bind a socket to");
  }
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return system_failure_at(errno, path, "cannot look at");
  const FileIdentity file{status.st_dev, status.st_ino};
  if (listen(made->get(), kBacklog) != 0) {
    const int reason = errno;
    remove_socket(path, file);
    return system_failure_at(reason, path, "cannot listen at");
  }
  return BoundSocket{std::move(*made), file};
}

void remove_socket(const std::string& path, const FileIdentity& file) noexcept {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return;
  if (FileIdentity{status.st_dev, status.st_ino} == file) unlink(path.c_str());
}

Result<Descriptor> connect_to(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return too_long(path);
  auto made = message_socket();
  if (!made) return made;
  if (connect(made->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) {
    return made;
  }
  const int reason = errno;
  if (reason == EAGAIN) return Failure{Error::full, reason};
  if (reason == ENOENT || reason == ECONNREFUSED) {
    return Failure{Error::system, reason, "there is nobody at '" + path + "'"};
  }
  return system_failure_at(reason, path, "cannot connect to");
}

Result<Descriptor> accept_connection(int listener) {
  for (;;) {
    Descriptor accepted(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (accepted) return accepted;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return Failure{Error::empty, EAGAIN};
    return system_failure(errno, "cannot accept a connection");
  }
}

}  // namespace onecopy::os
