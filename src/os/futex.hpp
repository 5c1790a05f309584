// Sleeping on a word of shared memory until another process changes it.
//
// Who may call: any thread of any process that maps the word; the word may lie at another address
// in each. One system call each, no allocation. A sleeper that dies is forgotten by the kernel; a
// waker that dies before its wake leaves sleepers asleep, so waits go in slices and look again.
// Always the shared futex: std::atomic::wait uses the private one, which no other process sees.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "os/clock.hpp"

namespace onecopy::os {

enum class FutexWait {
  woken,        // Somebody woke us, or the kernel did for no reason: look again.
  changed,      // The word did not hold what was expected; we never slept.
  timed_out,    // The deadline passed.
  interrupted,  // A signal handler ran.
};

// Sleeps while the word holds `expected`, until woken or until the deadline. The comparison and
// falling asleep are one step for whoever changes the word first and wakes afterwards.
FutexWait futex_wait(void* word, std::uint32_t expected, Deadline deadline) noexcept;
FutexWait futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                     Deadline deadline) noexcept;

// Wakes up to `count` sleepers; returns how many.
int futex_wake(void* word, int count) noexcept;
int futex_wake(std::atomic<std::uint32_t>* word, int count) noexcept;

// The address of the low 32 bits of a 64-bit word, to sleep on.
static_assert(std::endian::native == std::endian::little);
inline void* low_half(std::atomic<std::uint64_t>* word) noexcept { return word; }

static_assert(sizeof(std::atomic<std::uint32_t>) == 4 &&
              std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 &&
              std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace onecopy::os
