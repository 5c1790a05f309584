// Joining the family behind a door (process/door.hpp): how a process that no member started becomes
// a member.
//
// One thread of a process that is in no family yet. A death in the middle leaves nothing.
#pragma once

#include <string>

#include <onecopy/error.hpp>

#include "os/clock.hpp"
#include "os/descriptor.hpp"

namespace onecopy::process {

class Joining {
 public:
  // Until the deadline it waits for a door to be there, and to be admitted.
  Joining(std::string path, os::Deadline deadline) noexcept
      : path_(std::move(path)), deadline_(deadline) {}

  // Works for about a slice (50 ms), or until a signal arrives. True: this process is a member.
  // False: not yet, so the caller looks at its signals and calls again.
  // Errors: invalid: this process is in a family already; system (ENOENT, ECONNREFUSED): nobody has
  // a door there; permission: the directory is open to others, or the door is another user's or of
  // another pid namespace; version_mismatch, which names both; timed_out: nobody admits; too_many:
  // the family is full; what mapping the arena says.
  Result<bool> round();
  // What who opened the door has to say to its guests, once this process is a member.
  const std::string& note() const noexcept { return note_; }

 private:
  Result<bool> knock();
  Result<bool> listen();
  Result<bool> not_yet(Failure failure) const;

  std::string path_;
  os::Deadline deadline_;
  os::Descriptor connection_;
  std::string note_;
};

}  // namespace onecopy::process
