#include "sync/event.hpp"

#include <limits>
#include <utility>

#include "os/futex.hpp"

namespace onecopy::sync {
namespace {

constexpr std::uint32_t kSet = 1;
constexpr std::uint32_t kAsleep = 2;
constexpr std::uint32_t kOnce = 4;  // in the number of times set

constexpr bool was_set(std::uint32_t word, std::uint32_t since) {
  return (word & kSet) != 0 || ((word ^ since) & ~(kOnce - 1)) != 0;
}

}  // namespace

Event::Event(Record record) : record_(std::move(record)), spins_(std::make_unique<SpinBudget>()) {}

Result<Event> Event::create() {
  auto record = Record::create();
  if (!record) return std::move(record).failure();
  return Event(std::move(*record));
}

Result<Event> Event::open(memory::SharedName name) {
  auto record = Record::open(name);
  if (!record) return std::move(record).failure();
  return Event(std::move(*record));
}

// Acquire: pairs with the release in set(), so that what was written before it is seen.
std::uint32_t Event::since() const noexcept {
  return record_->word.load(std::memory_order_acquire);
}

bool Event::is_set() const noexcept { return (since() & kSet) != 0; }

void Event::set() noexcept {
  std::uint32_t seen = record_->word.load(std::memory_order_relaxed);
  do {
    if ((seen & kSet) != 0) {
      // For who finds it set by us: passes on what we wrote. It changes nothing.
      if (record_->word.compare_exchange_weak(seen, seen, std::memory_order_acq_rel,
                                              std::memory_order_relaxed)) {
        return;
      }
      continue;
    }
    const std::uint32_t wanted = ((seen & ~kAsleep) + kOnce) | kSet;
    if (record_->word.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel,
                                            std::memory_order_relaxed)) {
      break;
    }
  } while (true);
  if ((seen & kAsleep) != 0) os::futex_wake(&record_->word, std::numeric_limits<int>::max());
}

void Event::clear() noexcept {
  // Release, as in set().
  record_->word.fetch_and(~kSet, std::memory_order_acq_rel);
}

Waited Event::wait(std::uint32_t since, Slices& slices) noexcept {
  std::atomic<std::uint32_t>& word = record_->word;
  const auto ready = [&] { return was_set(word.load(std::memory_order_acquire), since); };
  if (spins_->spin(ready, slices.end())) return Waited::done;
  for (;;) {
    std::uint32_t seen = word.load(std::memory_order_acquire);
    if (was_set(seen, since)) return Waited::done;
    if (slices.has_expired()) return Waited::timed_out;
    // Relaxed: only announces a sleeper; the futex compares the word again.
    if ((seen & kAsleep) == 0 &&
        !word.compare_exchange_weak(seen, seen | kAsleep, std::memory_order_relaxed)) {
      continue;
    }
    const os::FutexWait slept = os::futex_wait(&word, seen | kAsleep, slices.end());
    if (slept == os::FutexWait::changed) continue;
    trace::add(trace::Counter::sleeps, 1);
    if (ready()) return Waited::done;
    if (!slices.has_expired() && (slices.next() || slept == os::FutexWait::interrupted)) {
      return Waited::again;
    }
  }
}

std::string Event::validate() const {
  const std::uint32_t word = since();
  if ((word & kSet) != 0 && (word & kAsleep) != 0) return "an event is set, and somebody sleeps";
  return {};
}

}  // namespace onecopy::sync
