// Which process has a place in the family, in shared memory, for one generation of the place: as it
// has told itself, and until then as whoever started it knows.
//
// empty() is for who makes the place ready, alone; the others for any thread of any process, at
// once. Who comes too late, when the place is another's by now, changes nothing. A death in the
// middle of filling leaves an identity that is not complete, and that the process has not told.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "os/process_identity.hpp"

namespace onecopy::memory {

// The first three are an os::ProcessIdentity, word by word; `started` is the pid and the start time
// of the process that was started for the place, which need not be the one that comes: it may be a
// shell that starts it.
//
//   started   start time   pid
//             62..22       21..0
//
// Equation: a word is kEmptyFor | generation until it is filled, and then does not change until the
// place is made ready for the next generation; no pid, time or inode has that bit.
struct SharedIdentity {
  std::atomic<std::uint64_t> pid;
  std::atomic<std::uint64_t> start_time;
  std::atomic<std::uint64_t> pidfd_inode;
  std::atomic<std::uint64_t> started;
};
static_assert(sizeof(SharedIdentity) == 32 && alignof(SharedIdentity) == 8);
static_assert(std::is_standard_layout_v<SharedIdentity> &&
              std::is_trivially_copyable_v<SharedIdentity>);

inline constexpr std::uint64_t kEmptyFor = std::uint64_t{1} << 63;
inline constexpr unsigned kPidBits = 22;  // PID_MAX_LIMIT, proc(5)

void empty(SharedIdentity& identity, std::uint32_t generation) noexcept;
// By the process itself. False: another has come by the same ticket before.
bool fill(SharedIdentity& identity, std::uint32_t generation,
          const os::ProcessIdentity& process) noexcept;
// By whoever started it. Nothing where its start time is not known: a pid alone is reused.
void fill_started(SharedIdentity& identity, std::uint32_t generation,
                  const os::ProcessIdentity& process) noexcept;
// Nothing while neither is told. Read without a lock: it is about who has the place if the place's
// state is the same afterwards.
std::optional<os::ProcessIdentity> identity_in(const SharedIdentity& identity) noexcept;

}  // namespace onecopy::memory
