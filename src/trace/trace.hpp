// Where the time of each member goes: counters and sums of nanoseconds, in the arena, always on.
//
// Any thread adds to its own member's figures, with one store each; anybody may read anybody's. A
// member's figures go with it: a death leaves them as they were, until its slot is used again.
// Figures are told, never relied on.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "memory/family.hpp"
#include "memory/layout.hpp"
#include "memory/local.hpp"
#include "os/clock.hpp"

namespace onecopy::trace {

enum class Counter : std::uint8_t {
  messages_put,
  messages_taken,
  pickled,         // messages that needed pickle
  buffers_copied,  // large buffers copied into a block
  bytes_copied,
  buffers_moved,  // large buffers handed on without a copy
  bytes_moved,
  sleeps,          // waits that spinning did not end, slice by slice
  wakes,           // sleepers woken, except by a bell
  serialise_time,  // nanoseconds, as all below
  copy_time,
  wait_time,  // for a message or for room
  rebuild_time,
  count,
};

inline constexpr std::uint32_t kCounters = static_cast<std::uint32_t>(Counter::count);

// Equation: each figure only rises while its member lives, and is zero when the slot is taken.
struct Record {
  std::atomic<std::uint64_t> figures[kCounters];
};
static_assert(sizeof(Record) == 8 * kCounters && sizeof(Record) <= memory::kTraceBytes);
static_assert(std::is_standard_layout_v<Record> && std::is_trivially_copyable_v<Record>);
static_assert(memory::kTraceOffset % alignof(Record) == 0);

// What `counter` is called in reports.
const char* name_of(Counter counter) noexcept;

inline Record& record_of(memory::Slot slot) noexcept {
  return *reinterpret_cast<Record*>(memory::trace_record(slot));
}
inline void add(Counter counter, std::uint64_t amount) noexcept {
  if (!memory::in_family()) return;
  // Relaxed: a figure orders nothing.
  record_of(memory::self())
      .figures[static_cast<std::uint32_t>(counter)]
      .fetch_add(amount, std::memory_order_relaxed);
}
std::uint64_t read(memory::Slot slot, Counter counter) noexcept;

// Adds the time from its making to its end.
class Span {
 public:
  explicit Span(Counter counter) noexcept : counter_(counter), begin_(os::now()) {}
  ~Span() { add(counter_, static_cast<std::uint64_t>(os::now() - begin_)); }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  Counter counter_;
  os::Nanoseconds begin_;
};

}  // namespace onecopy::trace
