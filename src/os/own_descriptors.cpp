#include "os/own_descriptors.hpp"

#include <algorithm>
#include <vector>

#include "os/fork_hooks.hpp"

namespace onecopy::os {
namespace {

struct Noted {
  int descriptor;
  FileIdentity identity;
};

struct Registry {
  std::mutex mutex;
  std::vector<Noted> noted;
};

// Never destroyed: descriptors are closed while the process exits, too.
Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

thread_local std::span<const int> handed_on;

bool is_same(const Noted& noted) noexcept {
  const auto now = identify(noted.descriptor);
  return now && *now == noted.identity;
}

void close_if_same(const Noted& noted) noexcept {
  if (is_same(noted)) Descriptor(noted.descriptor).reset();
}

// With the mutex held.
std::vector<Noted>::iterator find_noted(int fd) noexcept {
  return std::ranges::find(registry().noted, fd, &Noted::descriptor);
}

// The mutex is held across a fork, so that every such descriptor there is stands in the list.
void before_fork() { registry().mutex.lock(); }

void after_fork_in_parent() { registry().mutex.unlock(); }

void after_fork_in_child() {
  for (const Noted& noted : registry().noted) {
    if (std::ranges::find(handed_on, noted.descriptor) == handed_on.end()) close_if_same(noted);
  }
  registry().noted.clear();
  registry().mutex.unlock();
}

std::mutex& watched_mutex() {
  register_fork_hooks(before_fork, after_fork_in_parent, after_fork_in_child);
  return registry().mutex;
}

}  // namespace

NoFork::NoFork() : guard_(watched_mutex()) {}

Result<void> NoFork::note(int fd) const {
  const auto identity = identify(fd);
  if (!identity) return identity.failure();
  auto& all = registry().noted;
  // One that the program has closed may have had this number.
  std::erase_if(all, [fd](const Noted& one) { return one.descriptor == fd; });
  all.push_back({fd, *identity});
  return {};
}

bool NoFork::owns(int fd) const noexcept {
  const auto found = find_noted(fd);
  return found != registry().noted.end() && is_same(*found);
}

bool is_own(int fd) noexcept { return NoFork().owns(fd); }

void close_own(int fd) noexcept {
  const std::lock_guard guard(registry().mutex);
  auto& all = registry().noted;
  const auto found = find_noted(fd);
  if (found == all.end()) return;
  close_if_same(*found);
  all.erase(found);
}

HandOn::HandOn(std::span<const int> descriptors) noexcept { handed_on = descriptors; }
HandOn::~HandOn() { handed_on = {}; }

Result<std::pair<OwnDescriptor, OwnDescriptor>> own_stream_pair() {
  std::pair<OwnDescriptor, OwnDescriptor> own;
  const NoFork no_fork;
  auto pair = stream_pair();
  if (!pair) return std::move(pair).failure();
  auto& [first, second] = *pair;
  if (auto noted = no_fork.note(first.get()); !noted) return std::move(noted).failure();
  if (auto noted = no_fork.note(second.get()); !noted) return std::move(noted).failure();
  own.first = OwnDescriptor(first.release());
  own.second = OwnDescriptor(second.release());
  return own;
}

}  // namespace onecopy::os
