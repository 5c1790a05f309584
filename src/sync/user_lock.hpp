// What stands behind the locks of include/onecopy/lock.hpp: the engine's lock, and who of this
// process has it.
#pragma once

#include <onecopy/lock.hpp>

#include <atomic>
#include <thread>

#include "sync/lock.hpp"

namespace onecopy::detail {

// Equation: while this process holds a recursive lock through this handle, `thread` is the one that
// does and `count` how often, both changed by that thread alone.
struct LockHandle::State {
  sync::Lock lock;
  bool recursive;
  std::atomic<std::thread::id> thread{};
  unsigned count = 0;

  State(sync::Lock taken, bool is_recursive) noexcept
      : lock(std::move(taken)), recursive(is_recursive) {}

  // Whether this thread holds it and may take it again. A child whose parent's thread held it at
  // the fork finds that thread's name here, and is asked for its own.
  bool is_held_again() const noexcept {
    return recursive && thread.load(std::memory_order_relaxed) == std::this_thread::get_id() &&
           lock.is_mine();
  }
};

}  // namespace onecopy::detail
