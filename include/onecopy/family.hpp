/// \file
/// The family of this process: the root process, everything that was started from it, and the
/// shared memory that all of them have.
///
///     for (const onecopy::family::Member& member : onecopy::family::members()) {
///       std::printf("%d holds %zu bytes\n", member.pid, member.bytes);
///     }
///
/// A process comes to a family by itself: the first queue, pipe, lock or pool makes this process
/// the root of one, and what it forks, by whatever means, belongs to it from its first instruction
/// on. Another program comes to it through a door. A family has room for kMostMembers at a time;
/// ONECOPY_MEMORY_LIMIT=4G in the environment bounds its memory.
///
/// Any thread may call these. The figures are of one moment, and old at once. A process that dies
/// leaves its place and what it held to be taken back, which happens by itself: when its parent
/// joins it, when a waiter has waited for a while, when there is no room. A death in the middle of
/// these calls leaves nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace family {

/// How many members a family may have at a time.
inline constexpr std::size_t kMostMembers = 1024;
/// How many channels a family may have at a time: queues, and directions of pipes.
inline constexpr std::size_t kMostChannels = 16384;

/// Makes sure that this process is a member, of a family of its own if need be. Free where it is
/// one. Error::too_many: there is no place left; Error::no_memory, Error::permission,
/// Error::system: the system gives no memory for one.
Result<void> join();
/// Whether this process is a member.
bool joined() noexcept;

namespace detail {
Result<void> join(const std::string& path, std::int64_t wait);
}  // namespace detail

/// Makes this process a member of the family behind a door that another program of the same user
/// has opened (onecopy/door.hpp), in C++ or in Python. To be called before anything else of
/// Onecopy's, since a process is in one family for good. Waits for that time for the door to be
/// there, and to be admitted. What it forks and starts from then on are members too, and it stays
/// one when the other program is gone.
///
/// Error::invalid: this process is in a family already. Error::system: nobody has a door there.
/// Error::timed_out: nobody admits. Error::version_mismatch, which names both versions.
/// Error::permission: the door or its directory is another user's, or the directory is open to
/// others, or the door is of another pid namespace. Error::too_many: the family is full.
template <onecopy::detail::Duration Time>
Result<void> join(const std::string& path, Time time) {
  return detail::join(path, onecopy::detail::nanoseconds(time));
}
/// The same, within ten seconds.
inline Result<void> join(const std::string& path) { return detail::join(path, 10'000'000'000); }

/// A process of the family, at one moment.
struct Member {
  int pid;      ///< its process id; 0: of a process that is not born yet
  bool living;  ///< false: what it held is not taken back yet
  /// Blocks of shared memory that it holds, some of them together with others.
  std::size_t blocks;
  std::size_t bytes;  ///< their bytes
};

/// All of them, this process too; none where there is no family. Takes some microseconds, and looks
/// at each block in use while nobody may take or free one.
std::vector<Member> members();

/// Where the shared memory stands, in bytes.
struct Memory {
  std::size_t in_use = 0;            ///< in blocks that somebody holds
  std::size_t queued = 0;            ///< of it, in messages that nobody has taken
  std::size_t shared = 0;            ///< of it, the same for all: locks, arrays, shared numbers
  std::size_t frozen = 0;            ///< of it, common since a fork, and changed by nobody
  std::size_t warm = 0;              ///< free, with its pages kept for the next
  std::size_t resident = 0;          ///< pages that there are
  std::size_t highest_resident = 0;  ///< at any time
  std::size_t limit = 0;             ///< bytes that it may have
  std::string limit_name{};          ///< what sets that limit
};

/// All zeros where there is no family. Costs as much as members().
Memory memory();

/// Takes back now what the dead held; how many there were. Nobody needs to call it.
std::size_t reclaim() noexcept;

}  // namespace family

}  // namespace onecopy
