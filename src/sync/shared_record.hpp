// What the structures of this room that many processes change have in common: a record in a shared
// block of its own, changed under a lock of its own.
//
// The lock is held for tens of nanoseconds and never while user code runs. Of what a record says
// some words are the truth and the others follow from them: every change is one store to a word of
// the truth, and who finds the lock in the hands of a dead process works the others out anew.
#pragma once

#include <atomic>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <onecopy/error.hpp>

#include "memory/block.hpp"
#include "memory/member.hpp"
#include "memory/owner_lock.hpp"
#include "memory/reclaim.hpp"
#include "memory/shared.hpp"

namespace onecopy::sync {

// This process's handle on a record. Any thread may use it, but for the moves and the destructor.
template <class Record, memory::Purpose Kind>
class SharedRecord {
  static_assert(std::is_standard_layout_v<Record> && std::is_trivially_copyable_v<Record>);

 public:
  // All zero, as are the bytes `behind` it.
  static Result<SharedRecord> create(std::size_t behind = 0) {
    auto name = memory::make_shared_block(sizeof(Record) + behind, Kind);
    if (!name) return std::move(name).failure();
    return SharedRecord(*name);
  }
  // A handle on a record that some process still has a handle on. Error::corrupt: the name is of
  // something else.
  static Result<SharedRecord> open(memory::SharedName name) {
    if (auto held = memory::hold_shared(name); !held) return std::move(held).failure();
    SharedRecord opened(name);
    if (memory::shared_at(memory::block_data(name.block), Kind) != name) {
      return Failure{Error::corrupt, 0, "a name of something else that is shared"};
    }
    return opened;
  }
  SharedRecord(SharedRecord&& other) noexcept
      : name_(other.name_), record_(std::exchange(other.record_, nullptr)) {}
  SharedRecord& operator=(SharedRecord&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(record_, other.record_);
    return *this;
  }
  ~SharedRecord() {
    if (record_ != nullptr) memory::let_go_shared(name_);
  }

  Record& operator*() const noexcept { return *record_; }
  Record* operator->() const noexcept { return record_; }
  memory::SharedName name() const noexcept { return name_; }

 private:
  explicit SharedRecord(memory::SharedName name) noexcept
      : name_(name), record_(reinterpret_cast<Record*>(memory::block_data(name.block))) {}

  memory::SharedName name_;
  Record* record_;
};

// Holds a record's lock; what a dead holder left half done is repaired first.
template <class Record>
class Guard {
 public:
  explicit Guard(Record& record) noexcept : record_(record) {
    if (memory::lock(record.lock) == memory::Acquired::from_dead) record.repair();
  }
  ~Guard() { memory::unlock(record_.lock); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Record& record_;
};

// Whether a member holds a record's lock: one that is dead must lose it when it is reclaimed.
template <class Record>
bool is_locked_by(const Record& record, memory::Ticket member) noexcept {
  return (record.lock.word.load(std::memory_order_relaxed) & ~memory::kLockContended) ==
         memory::lock_word(member.slot, member.generation);
}

// From now on, whenever a member is reclaimed, `forget(record, dead)` is called with each record of
// that kind. To be set while the program is loaded: see memory::add_reclaim_hook().
template <class Record, memory::Purpose Kind, void (*Forget)(Record&, memory::Ticket) noexcept>
bool forget_the_dead() noexcept {
  return memory::add_reclaim_hook([](memory::Slot slot, std::uint32_t generation) {
    const memory::Ticket dead{slot, generation};
    const auto visit = [](std::byte* data, const void* context) {
      Forget(*reinterpret_cast<Record*>(data), *static_cast<const memory::Ticket*>(context));
    };
    memory::for_each_shared(Kind, visit, &dead);
  });
}

// Words that only the holder of the lock changes. Relaxed: he reads what the lock brought him, and
// others an answer that is old anyway.
template <class T>
T get(const std::atomic<T>& word) noexcept {
  return word.load(std::memory_order_relaxed);
}
// Release: a death leaves no store without those before it.
template <class T>
void put(std::atomic<T>& word, std::type_identity_t<T> value) noexcept {
  word.store(value, std::memory_order_release);
}

}  // namespace onecopy::sync
