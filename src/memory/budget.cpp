#include "memory/budget.hpp"

#include <algorithm>
#include <string>

#include "memory/local.hpp"
#include "os/limits.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint64_t kGrantAhead = 256ull << 20;
// Left to the rest of the machine when the arena grows.
constexpr std::uint64_t kHeadroom = 64ull << 20;

std::string megabytes(std::uint64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

Failure refuse(std::uint64_t bytes, std::uint64_t possible, const std::string& limit) {
  return Failure{Error::no_memory, 0,
                 megabytes(bytes) + " more shared memory would not fit: " + limit + " leaves " +
                     megabytes(possible)};
}

}  // namespace

Result<void> grant(std::uint64_t bytes) {
  ArenaHeader& books = header();
  if (books.limit != 0) {
    const std::uint64_t left = books.limit > books.resident ? books.limit - books.resident : 0;
    if (bytes > left) return refuse(bytes, left, "ONECOPY_MEMORY_LIMIT");
  }
  if (bytes > books.granted) {
    const os::MemoryLimit available = os::memory_available();
    const std::uint64_t possible = available.bytes > kHeadroom ? available.bytes - kHeadroom : 0;
    if (bytes > possible) return refuse(bytes, possible, available.name);
    if (local().file.is_bounded() && arena_descriptor() >= 0) {
      const auto room = local().file.room();
      if (room && bytes > *room) return refuse(bytes, *room, "the size of /dev/shm");
    }
    books.granted = std::max(bytes, std::min(possible / 2, kGrantAhead));
  }
  books.granted -= bytes;
  return {};
}

}  // namespace onecopy::memory
