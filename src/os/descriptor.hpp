// File descriptors: owning them, making pairs and doorbells, waiting, reading and writing.
//
// Who may call: any thread. A Descriptor belongs to one owner and is not shared between threads;
// the number in it may be used by many. Everything made here closes itself at exec. A death closes
// what it held, and that is what the other end sees.
// Programs close ranges of descriptors behind our back: ask identify() whether a number still
// means what it meant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <onecopy/error.hpp>

#include "os/clock.hpp"

namespace onecopy::os {

// Owns one descriptor, and closes it.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }
  explicit operator bool() const noexcept { return valid(); }
  // Gives the number away; the caller closes it.
  int release() noexcept { return std::exchange(fd_, -1); }
  // Closes what it owns (errno stays as it was) and owns `fd` instead.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

// Two connected stream sockets of this machine.
Result<std::pair<Descriptor, Descriptor>> stream_pair(bool non_blocking = false);
// A pipe: first the end to read from, second the end to write to.
Result<std::pair<Descriptor, Descriptor>> pipe_pair(bool non_blocking = false);
// A counter that is readable while it is not zero; never blocks.
Result<Descriptor> event_descriptor();
// Another number for the same open file.
Result<Descriptor> duplicate(int fd);

// Error::too_many while fewer than so many more can be opened: a look, which keeps none.
Result<void> check_room_for(std::size_t count);

// Whether the descriptor survives exec.
Result<void> set_inheritable(int fd, bool on) noexcept;

// What a descriptor stands for, whatever its number is. Error::closed when it stands for nothing.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) noexcept = default;
};
Result<FileIdentity> identify(int fd);

// What poll_one() found. Several may be true; all false never happens.
struct Poll {
  bool readable = false;     // A read would not block; it may find the end of the stream.
  bool writable = false;     // A write would not block; it may find a broken pipe.
  bool hung_up = false;      // The other end is gone, or an error waits on the descriptor.
  bool invalid = false;      // The number is not an open descriptor, or there is no memory to wait.
  bool timed_out = false;    // The deadline passed.
  bool interrupted = false;  // A signal handler ran.
};
Poll poll_one(int fd, bool read, bool write, Deadline deadline) noexcept;

// One descriptor of many. `found` is filled in by poll_many; all false where nothing happened.
struct PollEntry {
  int fd = -1;
  bool read = false;
  bool write = false;
  Poll found{};
};
// Waits until something happened on any: how many entries that is. Errors: timed_out, interrupted,
// no_memory.
Result<std::size_t> poll_many(std::span<PollEntry> entries, Deadline deadline);

// One read: how many bytes, 0 at the end of the stream. Errors: interrupted, empty (nothing there
// now), closed (no such descriptor), broken_pipe (the peer died with unread bytes of ours).
Result<std::size_t> read_some(int fd, void* to, std::size_t length) noexcept;
// The same at a place in a file, wherever others are reading it.
Result<std::size_t> read_at(int fd, std::uint64_t offset, void* to, std::size_t length) noexcept;
// One write: how many bytes. Errors: interrupted, full (no room now), closed, broken_pipe. A socket
// never raises SIGPIPE; a pipe does as the process has chosen.
Result<std::size_t> write_some(int fd, const void* from, std::size_t length) noexcept;

}  // namespace onecopy::os
