// Announcements: for each thread that touches what a lock guards (sync/gate.hpp), a word that says
// what, where everybody in the family sees it.
//
// Any thread of any member may call. An announcement belongs to a thread from its first touch to
// its end; one that a dead member had goes when the dead are reclaimed.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace onecopy::sync {

// Equation: `owner` is 0 or the word (memory::lock_word) of the member whose thread has it;
// `touched` is 0 or what that thread touches, or is about to. One cache line each: threads
// announce all the time, and none is to wait for another's line.
struct alignas(64) Announcement {
  std::atomic<std::uint64_t> touched;
  std::atomic<std::uint32_t> owner;
};
static_assert(sizeof(Announcement) == 64 && alignof(Announcement) == 64);
static_assert(std::is_standard_layout_v<Announcement> &&
              std::is_trivially_copyable_v<Announcement>);

// The calling thread's; null where this process is no member, or where others have all there are.
Announcement* own_announcement() noexcept;

// Those that somebody has or had: all that begin a touch before a lock was taken lie below, for who
// asks after taking it.
std::uint32_t announcement_count() noexcept;
Announcement& announcement(std::uint32_t index) noexcept;

}  // namespace onecopy::sync
