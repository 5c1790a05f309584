// A process identity (os/process_identity.hpp) in shared memory, which the process itself or its
// parent fills in, for one generation of the place that it stands in.
//
// empty() is for who makes the place ready, alone; fill() and identity_in() for any thread of any
// process, at once. Who comes too late, when the place is another's by now, changes nothing. A
// death in the middle of filling leaves an identity that is not complete; the other may go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "os/process_identity.hpp"

namespace onecopy::memory {

// Equation: a word is kEmptyFor | generation until it is filled, and then does not change until the
// place is made ready for the next generation; no pid, time or inode has that bit.
struct SharedIdentity {
  std::atomic<std::uint64_t> pid;
  std::atomic<std::uint64_t> start_time;
  std::atomic<std::uint64_t> pidfd_inode;
};
static_assert(sizeof(SharedIdentity) == sizeof(os::ProcessIdentity) &&
              alignof(SharedIdentity) == alignof(os::ProcessIdentity));
static_assert(std::is_standard_layout_v<SharedIdentity> &&
              std::is_trivially_copyable_v<SharedIdentity>);

inline constexpr std::uint64_t kEmptyFor = std::uint64_t{1} << 63;

void empty(SharedIdentity& identity, std::uint32_t generation) noexcept;
void fill(SharedIdentity& identity, std::uint32_t generation,
          const os::ProcessIdentity& process) noexcept;
// Nothing while it is not complete. Read without a lock: it is about who has the place if the
// place's state is the same afterwards.
std::optional<os::ProcessIdentity> identity_in(const SharedIdentity& identity) noexcept;

}  // namespace onecopy::memory
