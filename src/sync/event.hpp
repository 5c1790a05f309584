// An event: a flag that is set and cleared, and waited for.
//
// One word in a shared block of its own, changed by one exchange each time; a system call only to
// wake those who sleep. Any thread of any member that has a handle may call anything but the moves
// and the destructor at the same time. A death of anybody leaves the flag as it is, and at most one
// needless wake, or sleepers that look again at the end of their slice.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "memory/layout.hpp"
#include "sync/shared_record.hpp"
#include "sync/slices.hpp"
#include "sync/spin.hpp"

namespace onecopy::sync {

//   times set  somebody may sleep  set
//   31..2      1                   0
// Equation: not both set and somebody asleep; whoever sleeps saw bit 1 set and bit 0 clear, or set
// bit 1.
struct EventRecord {
  std::atomic<std::uint32_t> word;
};
static_assert(sizeof(EventRecord) == 4 && alignof(EventRecord) == 4);

class Event {
 public:
  static Result<Event> create();
  static Result<Event> open(memory::SharedName name);

  memory::SharedName name() const noexcept { return record_.name(); }

  bool is_set() const noexcept;
  void set() noexcept;
  void clear() noexcept;

  // A wait begins with since(), and is over once the event has been set since, even if it was
  // cleared again.
  std::uint32_t since() const noexcept;
  Waited wait(std::uint32_t since, Slices& slices) noexcept;

  // Checks the equation above; the text of the first thing that does not hold, or empty.
  std::string validate() const;

 private:
  using Record = SharedRecord<EventRecord, memory::Purpose::event>;

  explicit Event(Record record);

  Record record_;
  std::unique_ptr<SpinBudget> spins_;
};

}  // namespace onecopy::sync
