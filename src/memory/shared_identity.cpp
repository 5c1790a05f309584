#include "memory/shared_identity.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint64_t kPidMask = (std::uint64_t{1} << kPidBits) - 1;

// Whether the value is there now; not where the word has another, or waits for another generation.
// Release, all stores, and acquire, all loads: who finds a word of the next member there finds the
// state of the place changed as well.
bool fill_word(std::atomic<std::uint64_t>& word, std::uint32_t generation,
               std::uint64_t value) noexcept {
  std::uint64_t expected = kEmptyFor | generation;
  return word.compare_exchange_strong(expected, value, std::memory_order_acq_rel,
                                      std::memory_order_acquire) ||
         expected == value;
}

std::uint64_t read(const std::atomic<std::uint64_t>& word) noexcept {
  return word.load(std::memory_order_acquire);
}

}  // namespace

void empty(SharedIdentity& identity, std::uint32_t generation) noexcept {
  for (auto* word :
       {&identity.pid, &identity.start_time, &identity.pidfd_inode, &identity.started}) {
    word->store(kEmptyFor | generation, std::memory_order_release);
  }
}

bool fill(SharedIdentity& identity, std::uint32_t generation,
          const os::ProcessIdentity& process) noexcept {
  // Whose pid is there writes the rest, so that no identity is made of two. What it knew the first
  // time stays, should it know more or less of itself the second.
  if (!fill_word(identity.pid, generation, static_cast<std::uint64_t>(process.pid))) return false;
  fill_word(identity.start_time, generation, process.start_time);
  fill_word(identity.pidfd_inode, generation, process.pidfd_inode);
  return true;
}

void fill_started(SharedIdentity& identity, std::uint32_t generation,
                  const os::ProcessIdentity& process) noexcept {
  if (process.start_time == 0) return;
  fill_word(identity.started, generation,
            process.start_time << kPidBits | static_cast<std::uint64_t>(process.pid));
}

std::optional<os::ProcessIdentity> identity_in(const SharedIdentity& identity) noexcept {
  const std::uint64_t pid = read(identity.pid);
  const std::uint64_t start_time = read(identity.start_time);
  const std::uint64_t pidfd_inode = read(identity.pidfd_inode);
  os::ProcessIdentity process{};
  if (((pid | start_time | pidfd_inode) & kEmptyFor) == 0) {
    process.pid = static_cast<std::int32_t>(pid);
    process.start_time = start_time;
    process.pidfd_inode = pidfd_inode;
    return process;
  }
  const std::uint64_t started = read(identity.started);
  if ((started & kEmptyFor) != 0) return std::nullopt;
  process.pid = static_cast<std::int32_t>(started & kPidMask);
  process.start_time = started >> kPidBits;
  return process;
}

}  // namespace onecopy::memory
