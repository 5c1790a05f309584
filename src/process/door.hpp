// A door: a socket at a path by which processes that this one did not start become members of its
// family. Who knocks is process/joining.hpp.
//
// One thread at a time may use a Door, in the process that opened it; a forked child has no part in
// it, and its copy answers Error::closed. The door is there as long as that process lives; the file
// of one that was killed is replaced by the next who opens it. Whoever dies at any instruction, at
// either side, leaves no place behind: one that is reserved and not taken goes back when who
// knocked is dead, and, where this process is in admit(), closes its socket or says nothing for ten
// seconds.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include <onecopy/error.hpp>

#include "os/clock.hpp"

namespace onecopy::process {

class Door {
 public:
  // The path's directory is made, for this user alone, where there is none. Makes this process a
  // member of a family of its own if need be. `note` (at most kLongestNote bytes, greeting.hpp)
  // goes to whoever comes in. Errors: os::listen_at()'s, and join_family()'s; invalid: the note is
  // too long.
  static Result<Door> open(const std::string& path, const std::string& note = {});
  Door(Door&&) noexcept;
  Door& operator=(Door&&) noexcept;
  // Nobody is admitted any more, and the file is gone. Members stay.
  ~Door();

  // Sees to all who knock until one is a member; its process. Who is of another user, another pid
  // namespace or another version is refused and told why, and the others go on. Nobody waits for
  // who knocks and says nothing. Errors: timed_out; interrupted: a signal arrived; closed: not the
  // process that opened it; too_many: no more open files.
  Result<pid_t> admit(os::Deadline deadline);

  // Readable when admit() has something to do.
  int descriptor() const noexcept;
  const std::string& path() const noexcept;

 private:
  struct State;
  explicit Door(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace onecopy::process
