#include "sync/gate.hpp"

#include <algorithm>

#include "memory/member.hpp"
#include "memory/owner_lock.hpp"
#include "os/cpu.hpp"

namespace onecopy::sync {
namespace {

constexpr int kSpins = 200;
constexpr os::Nanoseconds kFirstNap = 50 * os::kMicrosecond;
constexpr os::Nanoseconds kLongestNap = 5 * os::kMillisecond;

bool is_touching(const Announcement& other, std::uint64_t what) noexcept {
  return other.touched.load(std::memory_order_seq_cst) == what;
}

bool lives(const Announcement& other) noexcept {
  const std::uint32_t owner = other.owner.load(std::memory_order_relaxed);
  return owner != 0 &&
         memory::lives_as(memory::slot_in_lock(owner), memory::generation_in_lock(owner));
}

bool wait_for(const Announcement& other, std::uint64_t what, os::Deadline deadline) noexcept {
  for (int i = 0; i < kSpins; ++i) {
    if (!is_touching(other, what)) return true;
    os::pause();
  }
  // Its thread was sent off its processor, or is dead.
  os::Nanoseconds nap = kFirstNap;
  while (is_touching(other, what) && lives(other)) {
    if (deadline.expired() || !os::sleep_until(deadline.earlier_of(nap))) return false;
    nap = std::min(2 * nap, kLongestNap);
  }
  return true;
}

}  // namespace

bool wait_until_untouched(std::uint64_t what, os::Deadline deadline) noexcept {
  const std::uint32_t count = announcement_count();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!wait_for(announcement(i), what, deadline)) return false;
  }
  return true;
}

}  // namespace onecopy::sync
