// A barrier: parties that wait for each other, with the states of threading.Barrier. One of them,
// the last to come, acts while the others wait, and then all go on.
//
// Any thread of any member that has a handle may call anything but the moves and the destructor at
// the same time. A party that dies while it waits for others, or while it acts, breaks the barrier:
// the others are told within 100 ms. One that dies when all have come and nobody acts any more is
// as if it had gone on.
//
// docs/layout/barrier.md is the layout and the deaths, store by store.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "memory/layout.hpp"
#include "sync/shared_record.hpp"
#include "sync/slices.hpp"
#include "sync/spin.hpp"

namespace onecopy::sync {

// As threading.Barrier numbers them.
enum class BarrierState : std::int32_t {
  broken = -2,
  resetting = -1,  // those who are inside leave it broken, then it is filling
  filling = 0,
  draining = 1,  // all have come, and are to leave
};

// Equation, while nobody has `lock`: `count` is the sum of `inside`, the threads of each member
// that have come and not left; while it is draining or resetting, `count` is not 0. `actor` is 0 or
// the word (memory::lock_word) of the member whose thread acts; while somebody does nobody comes or
// leaves. Of a place that is free `inside` is 0. `signal` is twice the number of changes, and 1
// where somebody may sleep for the next. `parties` of 0: never enough.
struct BarrierRecord {
  memory::OwnerLock lock;
  std::atomic<BarrierState> state;
  std::atomic<std::uint32_t> count;
  std::atomic<std::uint32_t> actor;
  std::atomic<std::uint32_t> signal;
  std::atomic<std::uint32_t> parties;
  Turn turn;
  std::atomic<std::uint32_t> inside[memory::kMaxMembers];

  // With the lock: the words that follow from the others.
  void repair() noexcept;
};
static_assert(sizeof(BarrierRecord) == 32 + memory::kMaxMembers * 4);
static_assert(offsetof(BarrierRecord, turn) == 24 && offsetof(BarrierRecord, inside) == 32);

enum class Passage : std::uint8_t {
  waits,   // has come, and is to wait for the others
  acts,    // has come, and the others wait for finish()
  passed,  // all have come
  broken,
  again,  // a slice is over, or a signal came: look at your signals and call again
};

class Barrier {
 public:
  static Result<Barrier> create(std::uint32_t parties);
  static Result<Barrier> open(memory::SharedName name);

  memory::SharedName name() const noexcept { return record_.name(); }

  // Comes in; before that, waits until those of the last time have left. `index` is how many had
  // come before.
  Passage enter(Slices& slices, std::uint32_t& index) noexcept;
  // For who waits: passed or broken, and it has left. When the deadline is over, it breaks.
  Passage wait(Slices& slices) noexcept;
  // For who acts: well, or it breaks. It has left.
  void finish(bool well) noexcept;
  // For who waits no longer.
  void leave() noexcept;

  // Both wait while somebody acts, but for the one that does; `again` or `passed`.
  Passage abort(Slices& slices) noexcept;
  Passage reset(Slices& slices) noexcept;

  // For who asks again and again how it stands, and never waits: once in a while, looks for parties
  // that died.
  void look_for_dead() noexcept;
  BarrierState state() const noexcept { return get(record_->state); }
  std::uint32_t count() const noexcept { return get(record_->count); }
  std::uint32_t parties() const noexcept { return get(record_->parties); }

  // Checks the equation above; the text of the first thing that does not hold, or empty.
  std::string validate() const;

 private:
  using Record = SharedRecord<BarrierRecord, memory::Purpose::barrier>;

  explicit Barrier(Record record);
  bool is_acting() const noexcept;  // this thread
  Passage sleep(std::uint32_t seen, Slices& slices) noexcept;
  template <class Change>
  Passage change(Slices& slices, const Change& change) noexcept;

  // What only this process knows of it.
  struct Own {
    SpinBudget spins;
    // Who acts, where it is a thread of this process.
    std::atomic<std::thread::id> actor;
  };

  Record record_;
  std::unique_ptr<Own> own_;
};

}  // namespace onecopy::sync
