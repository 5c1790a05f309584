// Holding one byte of a file: a lock that the kernel lets go of by itself.
//
// It belongs to the open file behind one descriptor and all its copies, those that a fork made
// included. It is gone when the last of them is closed: by close(), by exec (they close
// themselves), or by the death of every process that has one. The bytes are only names: the file
// need not reach so far, and nobody is kept from reading or writing.
//
// Who may call: any thread of any process that has the file open.
#pragma once

#include <cstdint>

#include "os/descriptor.hpp"

namespace onecopy::os {

// Opens the file behind `fd` anew (through /proc) and holds one byte of it. Error::full when
// somebody else does; permission and others where /proc or such locks are missing.
Result<Descriptor> hold_byte(int fd, std::uint64_t offset) noexcept;

// Holds the byte `to` in place of `from`, with a file that hold_byte() gave: no descriptor is
// needed. Where that fails `from` is held on.
Result<void> move_byte(int holder, std::uint64_t from, std::uint64_t to) noexcept;

// Whether anybody holds the byte. Fails where that cannot be asked.
Result<bool> is_byte_held(int fd, std::uint64_t offset) noexcept;

}  // namespace onecopy::os
