// Descriptors that are this process's alone: a child that is forked, by anybody, closes what it
// inherits of them at once, so that none outlives this process in a child.
//
// Any thread may call these. A number that no longer is the file that was noted (the program closed
// it, and another file got it) is left alone.
#pragma once

#include <mutex>
#include <span>
#include <utility>

#include "os/descriptor.hpp"

namespace onecopy::os {

// This process does not fork while it is held: to open a descriptor and note it. Nothing is to be
// called meanwhile that registers fork hooks, as a fork that waits for this holds their lock.
class NoFork {
 public:
  NoFork();

  // A failure leaves it an ordinary descriptor. Not for an eventfd or its kin, all of which are one
  // file to identify().
  Result<void> note(int fd) const;
  // As is_own(), which waits for whoever holds this.
  bool owns(int fd) const noexcept;

 private:
  std::lock_guard<std::mutex> guard_;
};

// Whether that number is the file that was noted still.
bool is_own(int fd) noexcept;
// Closes one that was noted; nothing for any other, a copy of it in a forked child included.
void close_own(int fd) noexcept;

// Owns one that was noted, and closes it by close_own(): in a forked child that is nothing.
class OwnDescriptor {
 public:
  OwnDescriptor() noexcept = default;
  explicit OwnDescriptor(int fd) noexcept : fd_(fd) {}
  OwnDescriptor(OwnDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnDescriptor& operator=(OwnDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnDescriptor() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept {
    if (const int fd = std::exchange(fd_, -1); fd >= 0) close_own(fd);
  }

 private:
  int fd_ = -1;
};

// While it lives, what this thread forks keeps these, own or not.
class HandOn {
 public:
  explicit HandOn(std::span<const int> descriptors) noexcept;
  ~HandOn();
  HandOn(const HandOn&) = delete;
  HandOn& operator=(const HandOn&) = delete;
};

// stream_pair() with both ends this process's alone: who forks meanwhile keeps neither open.
Result<std::pair<OwnDescriptor, OwnDescriptor>> own_stream_pair();

}  // namespace onecopy::os
