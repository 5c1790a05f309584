// A desk: a thread that hands copies of one descriptor to other processes of this user, which ask
// for it at an address. That is no path: nothing lies in the file system, and all is gone with the
// process. It is told to who is to ask, and no secret: the kernel lists it (/proc/net/unix), and
// refuses nobody of this user.
//
// The thread has every signal blocked and touches nothing but the desk's own descriptors, as long
// as they are that: where the program closes them, it ends with the next who asks. They are the
// opener's alone: a forked child closes what it inherits, and its copy of a desk does nothing. Any
// thread may open, ask and close. Who dies at any instruction, at either side, leaves nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "os/descriptor.hpp"

namespace onecopy::os {

// Plain data, for who is to ask: it means something on this machine, in this network namespace.
struct DeskAddress {
  std::uint64_t words[2];
};

class DescriptorDesk {
 public:
  // With a copy of its own of the descriptor. Errors: too_many, system: there is no room for two
  // descriptors and a thread.
  static Result<DescriptorDesk> open(int descriptor);
  DescriptorDesk(DescriptorDesk&&) noexcept;
  DescriptorDesk& operator=(DescriptorDesk&&) noexcept;
  // Nobody gets one any more, and this process has it no longer. Waits for the thread, which never
  // waits for anybody that asks.
  ~DescriptorDesk();

  const DeskAddress& address() const noexcept;

 private:
  struct State;
  explicit DescriptorDesk(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

// How many of this process's threads are at desks.
std::size_t desk_count() noexcept;

// A copy of the descriptor at that desk. Errors: closed: there is no such desk, none any more, or
// one that refuses this user; timed_out: its process does not answer (stopped, or out of
// descriptors); permission: it is another user's; interrupted: a signal arrived; too_many: no
// descriptor is free.
Result<Descriptor> ask_desk(const DeskAddress& address, Deadline deadline);

}  // namespace onecopy::os
