// Descriptors that are this process's alone: a child that is forked, by anybody, closes what it
// inherits of them at once, so that none outlives this process in a child.
//
// Any thread may call these. A number that no longer is the file that was noted (the program closed
// it, and another file got it) is left alone.
#pragma once

#include <mutex>

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

}  // namespace onecopy::os
