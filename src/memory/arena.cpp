#include "memory/arena.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include <onecopy/version.hpp>

#include "memory/books.hpp"
#include "memory/local.hpp"
#include "os/limits.hpp"
#include "os/random.hpp"
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

Failure bad_limit(const char* text) {
  return Failure{Error::invalid, 0,
                 std::string("ONECOPY_MEMORY_LIMIT is '") + text +
                     "'; it must be a size such as 512M or 4GiB"};
}

void write_header(std::uint64_t limit) noexcept {
  ArenaHeader& head = header();
  head.layout_version = kLayoutVersion;
  for (std::uint64_t& word : head.secret) word = os::random_u64();
  head.package_version = kVersion;
  head.capacity = local().capacity;
  head.limit = limit;
  head.user = os::user_id();
  rebuild_books();
  head.magic = kMagic;
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

constinit LocalStorage local_storage;

int arena_descriptor() noexcept {
  const int descriptor = local().file.descriptor();
  return is_arena(descriptor) ? descriptor : -1;
}

std::string version_text(std::uint32_t version) {
  return std::to_string(version >> 20) + "." + std::to_string((version >> 10) & 1023) + "." +
         std::to_string(version & 1023);
}

bool is_arena(int descriptor) noexcept {
  const auto identity = os::identify(descriptor);
  return identity && *identity == local().file_identity;
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
                   "the arena needs at least " + std::to_string(kLeastCapacity >> 20) +
                       " MiB of address space (RLIMIT_AS, 'ulimit -v'): " + made.failure().text()};
  }
  write_header(limit);
  return {};
}

Result<void> map_family(int descriptor) {
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
  return {};
}

void unmap_arena() noexcept {
  os::unmap(local().base, local().capacity);
  local().base = nullptr;
}

}  // namespace onecopy::memory
