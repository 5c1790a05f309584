#include "process/lifelines.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include "os/descriptor.hpp"
#include "os/fork_hooks.hpp"

namespace onecopy::process {
namespace {

struct Kept {
  int descriptor;
  os::FileIdentity identity;
};

struct Registry {
  std::mutex mutex;
  std::vector<Kept> kept;
};

// Never destroyed: children are started and end while the process exits, too.
Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

void close_if_ours(const Kept& kept) noexcept {
  const auto now = os::identify(kept.descriptor);
  if (now && *now == kept.identity) os::Descriptor(kept.descriptor).reset();
}

// The mutex is held across a fork, so that every kept end there is stands in the list.
void before_fork() { registry().mutex.lock(); }

void after_fork_in_parent() { registry().mutex.unlock(); }

void after_fork_in_child() {
  for (const Kept& kept : registry().kept) close_if_ours(kept);
  registry().kept.clear();
  registry().mutex.unlock();
}

}  // namespace

Result<std::pair<int, int>> make_lifeline() {
  os::register_fork_hooks(before_fork, after_fork_in_parent, after_fork_in_child);
  const std::lock_guard guard(registry().mutex);
  auto pair = os::stream_pair();
  if (!pair) return std::move(pair).failure();
  const auto identity = os::identify(pair->first.get());
  if (!identity) return identity.failure();
  registry().kept.push_back({pair->first.get(), *identity});
  return std::pair(pair->first.release(), pair->second.release());
}

void close_lifeline(int kept) noexcept {
  const std::lock_guard guard(registry().mutex);
  auto& all = registry().kept;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Kept& one) { return one.descriptor == kept; });
  if (found == all.end()) return;
  close_if_ours(*found);
  all.erase(found);
}

}  // namespace onecopy::process
