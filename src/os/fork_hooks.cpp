#include "os/fork_hooks.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include <pthread.h>

namespace onecopy::os {

namespace {

struct Hooks {
  void (*prepare)();
  void (*parent)();
  void (*child)();
  bool operator==(const Hooks&) const = default;
};

struct Registry {
  std::mutex mutex;
  std::vector<Hooks> hooks;
  bool installed = false;
};

// Never destroyed: threads may fork while the process exits.
Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

// The mutex is held from before a fork to after it, on both sides, so that the child does not
// inherit it from a thread that it does not have.
void run_prepare() {
  registry().mutex.lock();
  const auto& hooks = registry().hooks;
  for (auto it = hooks.rbegin(); it != hooks.rend(); ++it) {
    if (it->prepare != nullptr) it->prepare();
  }
}

void run_after(void (*Hooks::*which)()) {
  for (const Hooks& hooks : registry().hooks) {
    if (hooks.*which != nullptr) (hooks.*which)();
  }
  registry().mutex.unlock();
}

}  // namespace

void register_fork_hooks(void (*prepare)(), void (*parent)(), void (*child)()) {
  const Hooks added{prepare, parent, child};
  Registry& all = registry();
  const std::lock_guard guard(all.mutex);
  if (std::find(all.hooks.begin(), all.hooks.end(), added) != all.hooks.end()) return;
  all.hooks.push_back(added);
  if (all.installed) return;
  if (pthread_atfork(
          run_prepare, [] { run_after(&Hooks::parent); }, [] { run_after(&Hooks::child); }) != 0) {
    all.hooks.pop_back();
    throw std::bad_alloc();
  }
  all.installed = true;
}

}  // namespace onecopy::os
