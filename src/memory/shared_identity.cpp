#include "memory/shared_identity.hpp"

namespace onecopy::memory {
namespace {

// Release, all stores, and acquire, all loads: who finds a word of the next member there finds the
// state of the place changed as well.
void fill_word(std::atomic<std::uint64_t>& word, std::uint32_t generation,
               std::uint64_t value) noexcept {
  std::uint64_t expected = kEmptyFor | generation;
  // Fails where the other filled it, with the same, or the place is ready for another generation.
  word.compare_exchange_strong(expected, value & ~kEmptyFor, std::memory_order_acq_rel,
                               std::memory_order_acquire);
}

}  // namespace

void empty(SharedIdentity& identity, std::uint32_t generation) noexcept {
  const std::uint64_t nothing = kEmptyFor | generation;
  identity.pid.store(nothing, std::memory_order_release);
  identity.start_time.store(nothing, std::memory_order_release);
  identity.pidfd_inode.store(nothing, std::memory_order_release);
}

void fill(SharedIdentity& identity, std::uint32_t generation,
          const os::ProcessIdentity& process) noexcept {
  fill_word(identity.pid, generation, static_cast<std::uint64_t>(process.pid));
  fill_word(identity.start_time, generation, process.start_time);
  fill_word(identity.pidfd_inode, generation, process.pidfd_inode);
}

std::optional<os::ProcessIdentity> identity_in(const SharedIdentity& identity) noexcept {
  const std::uint64_t pid = identity.pid.load(std::memory_order_acquire);
  const std::uint64_t start_time = identity.start_time.load(std::memory_order_acquire);
  const std::uint64_t pidfd_inode = identity.pidfd_inode.load(std::memory_order_acquire);
  if (((pid | start_time | pidfd_inode) & kEmptyFor) != 0) return std::nullopt;
  os::ProcessIdentity process{};
  process.pid = static_cast<std::int32_t>(pid);
  process.start_time = start_time;
  process.pidfd_inode = pidfd_inode;
  return process;
}

}  // namespace onecopy::memory
