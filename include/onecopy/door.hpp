/// \file
/// A door to the family of this process, for programs that it did not start.
///
///     onecopy::Queue<std::string> jobs(64);
///     onecopy::publish("jobs", jobs).value_or_throw();  // onecopy/names.hpp
///     onecopy::Door door("/run/user/1000/work/door");
///     const int pid = door.admit();                     // waits for the next who knocks
///
/// and in the other program, before it makes anything of Onecopy's:
///
///     onecopy::family::join("/run/user/1000/work/door").value_or_throw();   // onecopy/family.hpp
///     auto jobs = onecopy::find<onecopy::Queue<std::string>>("jobs").value_or_throw();
///
/// The other program may be written in Python (onecopy.join, onecopy.find), as may this one
/// (onecopy.Door). A door is a socket in a directory that is this user's alone (mode 0700), which
/// is made where there is none. Who knocks gets the family's memory once the kernel has said that
/// it is the same user's and in the same pid namespace, and it itself that it has the same version
/// of Onecopy: all others are told why not. A member is a member then, also when the door is closed
/// and when the process that opened it is gone.
///
/// Nobody is admitted but in admit(), so somebody must be in it: a thread of yours, say, or an
/// event loop that watches fileno(). One thread at a time may use a Door, in the process that
/// opened it. It is closed with that process, however that ends; a forked child has no part in it.
/// A death on either side in the middle of an admission leaves no place taken and nobody waiting.
///
/// Errors: Error::permission: the directory is somebody else's or open to others. Error::system: a
/// process that lives has a door there, the path cannot be had. Error::invalid: the path is longer
/// than the 107 bytes that a socket's may have.
#pragma once

#include <cstdint>
#include <string>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pointer.hpp>
#include <onecopy/stop.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// A socket by which processes that this one did not start become members of its family. The head
/// of door.hpp says who may call what, and what a death leaves.
class Door {
 public:
  /// Opens one at that path, with the directory where there is none: some system calls. Throws
  /// Exception.
  explicit Door(const std::string& path) : Door(open(path).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Door> open(const std::string& path);
  /// The other is closed.
  Door(Door&&) noexcept;
  /// Closes the door that it was; then as the constructor.
  Door& operator=(Door&&) noexcept;
  /// As close().
  ~Door();

  /// Sees to who knocks until one is a member, and gives its process id. Error::timed_out;
  /// Error::closed; Error::too_many: no more open files.
  int admit() { return admit(detail::kForever).value_or_throw(); }
  /// The same within that time, with the failure as a value.
  template <detail::Duration Time>
  Result<int> admit_for(Time time) {
    return admit(detail::nanoseconds(time));
  }
  /// The same before a stop is asked for (Error::stopped); see onecopy/stop.hpp.
  template <detail::StopToken Token>
  Result<int> admit(const Token& stop) {
    return admit_until(detail::Stop(stop));
  }

  /// A descriptor, for poll() and select(), that is readable when admit() has something to do,
  /// which need not be a member in the end: so call admit_for(0s). It belongs to the Door.
  int fileno() const noexcept;
  /// Where it is, from the root on.
  std::string path() const;
  /// Nobody can come in any more, and the socket is gone from its directory. Members stay.
  void close() noexcept;
  /// Whether it was closed, or moved from.
  bool closed() const noexcept { return state_ == nullptr; }

 private:
  struct State;
  explicit Door(detail::UniquePointer<State> state) noexcept;
  Result<int> admit(std::int64_t wait);
  Result<int> admit_until(detail::Stop stop);

  detail::UniquePointer<State> state_;
};

}  // namespace onecopy
