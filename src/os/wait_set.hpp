// Descriptors that are waited for together, and by one descriptor: it is readable while any of them
// is, so that an event loop may watch it.
//
// One thread at a time. Each is taken out before it is closed: a forked child may have it open
// still.
#pragma once

#include <onecopy/error.hpp>

#include "os/descriptor.hpp"

namespace onecopy::os {

class WaitSet {
 public:
  static Result<WaitSet> create();

  Result<void> add(int fd);
  void remove(int fd) noexcept;
  // The one descriptor; also for poll_one().
  int get() const noexcept { return descriptor_.get(); }

 private:
  explicit WaitSet(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  Descriptor descriptor_;
};

}  // namespace onecopy::os
