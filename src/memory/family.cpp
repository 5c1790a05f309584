#include "memory/family.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include <onecopy/version.hpp>

#include "memory/books.hpp"
#include "memory/frozen.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/member.hpp"
#include "memory/reclaim.hpp"
#include "os/fork_hooks.hpp"
#include "os/limits.hpp"
#include "os/system.hpp"

namespace onecopy::memory {
namespace {

// Address space is free where nothing limits it: enough that no family outgrows it.
#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kMostCapacity = 1ull << 38;
#else
constexpr std::uint64_t kMostCapacity = 1ull << 44;
#endif
constexpr std::uint64_t kLeastCapacity = kDataOffset + (64ull << 20);

std::mutex joining;
std::atomic<bool> mapped{false};  // the arena is there; a place in it may not be
// The place of the child that is being forked, and its guard; under the mutexes that a fork holds.
Ticket unborn;
os::Descriptor unborn_guard;

bool is_arena(int descriptor) noexcept {
  const auto identity = os::identify(descriptor);
  return identity && *identity == local().file_identity;
}

// Closes a guard. Where the program closed it before us the number may be a file of its own.
void let_go(os::Descriptor& guard) noexcept {
  if (guard && !is_arena(guard.get())) static_cast<void>(guard.release());
  guard.reset();
}

void before_fork() {
  joining.lock();
  local().handles_mutex.lock();
  local().views_mutex.lock();
  unborn = {};
  if (!in_family()) return;
  const auto place = reserve(local().slot, &unborn_guard);
  if (!place) return;  // the child will be no member, and told so when it uses the engine
  unborn = *place;
  ledger_copy(Ledger::channels, local().slot, unborn.slot);
  freeze_views(unborn.slot);
}

thread_local Ticket last_forked;

void after_fork_in_parent() {
  last_forked = unborn;
  let_go(unborn_guard);
  local().views_mutex.unlock();
  local().handles_mutex.unlock();
  joining.unlock();
}

void become(Ticket place) noexcept {
  local().slot = place.slot;
  local().generation = place.generation;
  local().lock_word = lock_word(place.slot, place.generation);
}

void after_fork_in_child() {
  local().views_mutex.unlock();
  local().handles_mutex.unlock();
  joining.unlock();
  // Acquire: pairs with the release in join_family() and adopt().
  if (!mapped.load(std::memory_order_acquire)) return;
  local().root = false;
  let_go(local().guard);
  local().guard = std::move(unborn_guard);
  become(unborn);
  if (unborn.slot == kNoSlot) return;
  if (occupy(unborn)) {
    release_orphaned_views();
    return;
  }
  // The parent died and was reclaimed before this child came to life.
  become({});
  let_go(local().guard);
}

// Before `joining` is taken: a fork takes the C library's own lock first and ours in the hook.
void watch_forks() {
  os::register_fork_hooks(before_fork, after_fork_in_parent, after_fork_in_child);
}

std::uint64_t capacity_to_try() {
  const std::uint64_t limit = std::min(os::address_space_limit(), os::file_size_limit());
  return std::min(kMostCapacity, std::bit_floor(limit / 2));
}

Result<void> map_arena(std::uint64_t capacity) {
  auto base = os::map_shared(local().file.descriptor(), 0, capacity);
  if (!base) return std::move(base).failure();
  if (local().blocks == nullptr) {
    // Zeroed, and taken page by page as blocks come into use.
    auto* table = static_cast<LocalBlock*>(std::calloc(kMaxBlocks, sizeof(LocalBlock)));
    if (table == nullptr) {
      os::unmap(*base, capacity);
      return Failure{Error::no_memory, 0, "no memory for this process's table of blocks"};
    }
    local().blocks = table;
  }
  local().base = *base;
  local().capacity = capacity;
  auto identity = os::identify(local().file.descriptor());
  if (!identity) return std::move(identity).failure();
  local().file_identity = *identity;
  return {};
}

void unmap_arena() noexcept {
  os::unmap(local().base, local().capacity);
  local().base = nullptr;
}

Failure bad_limit(const char* text) {
  return Failure{Error::invalid, 0,
                 std::string("ONECOPY_MEMORY_LIMIT is '") + text +
                     "'; it must be a size such as 512M or 4GiB"};
}

void write_header(std::uint64_t limit) noexcept {
  ArenaHeader& head = header();
  head.layout_version = kLayoutVersion;
  head.package_version = kVersion;
  head.capacity = local().capacity;
  head.limit = limit;
  head.created_at = static_cast<std::uint64_t>(os::now());
  head.user = os::user_id();
  head.page_size = static_cast<std::uint32_t>(os::page_size());
  rebuild_books();
  head.magic = kMagic;
}

Result<void> make_arena() {
  std::uint64_t limit = 0;
  if (const char* text = std::getenv("ONECOPY_MEMORY_LIMIT"); text != nullptr && *text != '\0') {
    const auto parsed = os::parse_size(text);
    if (!parsed || *parsed == 0) return bad_limit(text);
    limit = *parsed;
  }
  Result<void> made = Error::no_memory;
  for (std::uint64_t capacity = capacity_to_try(); !made && capacity >= kLeastCapacity;
       capacity /= 2) {
    auto file = os::MemoryFile::create("onecopy", capacity);
    if (!file) {
      made = std::move(file).failure();
      continue;
    }
    local().file = std::move(*file);
    made = map_arena(capacity);
  }
  if (!made) {
    return Failure{Error::no_memory, made.failure().system_errno,
                   "the arena needs at least 320 MiB of address space (RLIMIT_AS, 'ulimit -v'): " +
                       made.failure().text()};
  }
  write_header(limit);
  return {};
}

std::string version_text(std::uint32_t version) {
  return std::to_string(version >> 20) + "." + std::to_string((version >> 10) & 1023) + "." +
         std::to_string(version & 1023);
}

Result<void> check_header(const ArenaHeader& head) {
  if (head.magic != kMagic) {
    return Failure{Error::corrupt, 0, "the descriptor handed over is no arena of Onecopy"};
  }
  if (head.package_version != kVersion || head.layout_version != kLayoutVersion) {
    return Failure{Error::version_mismatch, 0,
                   "this process has Onecopy " + std::string(kVersionText) + " (layout " +
                       std::to_string(kLayoutVersion) + "), its family has " +
                       version_text(head.package_version) + " (layout " +
                       std::to_string(head.layout_version) +
                       "): start all of a program with one installation"};
  }
  if (head.user != os::user_id()) {
    return Failure{Error::permission, 0, "a family belongs to one user, and this is another"};
  }
  return {};
}

}  // namespace

Local& local() noexcept {
  // Never destroyed: arrays may look into the arena until the very end of the process.
  alignas(Local) static std::byte storage[sizeof(Local)];
  static Local* const instance = new (storage) Local;
  return *instance;
}

int arena_descriptor() noexcept {
  const int descriptor = local().file.descriptor();
  return is_arena(descriptor) ? descriptor : -1;
}

bool in_family() noexcept {
  return mapped.load(std::memory_order_acquire) && local().slot != kNone;
}
Slot self() noexcept { return local().slot; }
bool is_root() noexcept { return local().root; }

Result<void> join_family() {
  if (in_family()) return {};
  watch_forks();
  const std::lock_guard guard(joining);
  if (in_family()) return {};
  if (mapped.load(std::memory_order_acquire)) {
    // It has no name to lock by, and what it inherited is its parent's.
    return Failure{
        Error::too_many, 0,
        "this process was forked when its family was full (1024 processes at a time), so "
        "it is no member of it"};
  }
  if (auto made = make_arena(); !made) return made;
  auto place = reserve(kNone);
  if (!place) return std::move(place).failure();
  local().root = true;
  become(*place);
  occupy(*place);
  local().guard = guard_place(place->slot);
  // Release: pairs with in_family(); everything above is in place.
  mapped.store(true, std::memory_order_release);
  return {};
}

Result<int> family_descriptor() {
  if (auto done = join_family(); !done) return std::move(done).failure();
  if (arena_descriptor() < 0) {
    return Failure{Error::closed, 0,
                   "the arena's descriptor was closed by the program (closing a range of "
                   "descriptors?): no process can be started into the family any more"};
  }
  return local().file.descriptor();
}

Result<Ticket> reserve_place() {
  if (auto done = join_family(); !done) return std::move(done).failure();
  return reserve(local().slot);
}

void release_place(Ticket ticket) noexcept { reclaim_unborn(ticket); }

void forked(int pid) noexcept {
  const Ticket child = std::exchange(last_forked, Ticket{});
  if (child.slot == kNoSlot) return;
  if (pid < 0) {
    release_place(child);
  } else {
    name_child(child, pid);
  }
}

Result<void> adopt(int descriptor, Ticket ticket) {
  watch_forks();
  const std::lock_guard guard(joining);
  if (in_family()) return {};
  auto copy = os::duplicate(descriptor);
  if (!copy) return std::move(copy).failure();
  auto file = os::MemoryFile::adopt(std::move(*copy));
  if (!file) return std::move(file).failure();
  const auto size = file->size();
  if (!size || *size < kLeastCapacity) {
    return Failure{Error::corrupt, 0, "the descriptor handed over is no arena of Onecopy"};
  }
  local().file = std::move(*file);
  if (auto done = map_arena(*size); !done) return done;
  if (auto fits = check_header(header()); !fits) {
    unmap_arena();
    return fits;
  }
  become(ticket);
  if (ticket.slot >= kMaxMembers || !occupy(ticket)) {
    become({});
    unmap_arena();
    return Failure{Error::closed, 0,
                   "the place kept for this process was given up: its parent died"};
  }
  local().guard = guard_place(ticket.slot);
  mapped.store(true, std::memory_order_release);
  return {};
}

void leave_family() noexcept {
  if (in_family()) mark_leaving(local().slot);
}

}  // namespace onecopy::memory
