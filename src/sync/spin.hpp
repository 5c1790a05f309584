// Spinning before sleeping, as long as it pays: a hand-off between two running processes takes well
// under a microsecond, waking a sleeper takes 5 to 40.
//
// A SpinBudget belongs to one handle in one process; its threads may share it. It grows when
// spinning was rewarded and halves when not, and is nothing at all where the whole family may use
// one processor only. Spinning where the other side needs this very processor keeps it waiting:
// after some spins in vain there is none for a while. Two processes that both sleep keep each other
// waiting for longer than either spins, so now and then a budget that has shrunk is tried at its
// largest: one reward, and both spin again.
#pragma once

#include <algorithm>
#include <atomic>

#include "os/clock.hpp"

namespace onecopy::sync {

class SpinBudget {
 public:
  SpinBudget() = default;
  SpinBudget(const SpinBudget&) = delete;
  SpinBudget& operator=(const SpinBudget&) = delete;

  // Spins until `ready()` or until the budget (or the deadline) is used up.
  template <class Ready>
  bool spin(const Ready& ready, os::Deadline deadline) noexcept;

 private:
  static constexpr os::Nanoseconds kLeast = 4 * os::kMicrosecond;
  static constexpr os::Nanoseconds kMost = 100 * os::kMicrosecond;
  static constexpr int kLooksBetweenClocks = 32;
  // Spins in vain between two trials: less than a tenth of the time of waiters that wake at once.
  static constexpr int kVainBeforeTrial = 64;
  // And before there are none but trials.
  static constexpr int kVainBeforeNone = 8;

  void failed(os::Nanoseconds budget, int vain, bool trial) noexcept {
    if (!trial) budget_.store(std::max(budget / 2, kLeast), std::memory_order_relaxed);
    vain_.store(trial ? kVainBeforeNone : vain + 1, std::memory_order_relaxed);
  }

  // Relaxed throughout: threads that overwrite each other's estimate lose nothing but an estimate.
  std::atomic<os::Nanoseconds> budget_{20 * os::kMicrosecond};
  std::atomic<int> vain_{0};
};

// Whether a second processor is there to change what we spin on: one that this thread, or any
// member of the family, may use. Asks the kernel now and then.
bool spinning_can_help() noexcept;
// One step of a spin loop: mostly a pause.
void spin_step() noexcept;

template <class Ready>
bool SpinBudget::spin(const Ready& ready, os::Deadline deadline) noexcept {
  if (ready()) return true;
  if (!spinning_can_help()) return false;
  const int vain = vain_.load(std::memory_order_relaxed);
  const bool trial = vain >= kVainBeforeTrial;
  if (vain >= kVainBeforeNone && !trial) {
    vain_.store(vain + 1, std::memory_order_relaxed);
    return false;
  }
  const os::Nanoseconds budget = trial ? kMost : budget_.load(std::memory_order_relaxed);
  const os::Nanoseconds begin = vain != 0 ? os::now() : 0;
  const os::Nanoseconds end = deadline.earlier_of(budget).when();
  do {
    for (int i = 0; i < kLooksBetweenClocks; ++i) {
      spin_step();
      if (!ready()) continue;
      const os::Nanoseconds taken = vain != 0 ? os::now() - begin : budget;
      // What came later than the spin would have lasted came while another process had our
      // processor, perhaps the one that we wait for.
      if (taken > budget) {
        failed(budget, vain, trial);
        return true;
      }
      // A trial tells what is enough; otherwise what was allowed was, and more will be.
      const os::Nanoseconds wanted = 2 * (trial ? taken : budget);
      budget_.store(std::clamp(wanted, kLeast, kMost), std::memory_order_relaxed);
      vain_.store(0, std::memory_order_relaxed);
      return true;
    }
  } while (os::now() < end);
  failed(budget, vain, trial);
  return false;
}

}  // namespace onecopy::sync
