#include "memory/budget.hpp"

#include <algorithm>
#include <string>

#include "memory/local.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint64_t kGrantAhead = 256ull << 20;
// Left to the rest of the machine when the arena grows.
constexpr std::uint64_t kHeadroom = 64ull << 20;

// What is asked for is rounded up and what is left down, so that the two never look the same.
Failure refuse(std::uint64_t bytes, std::uint64_t possible, const std::string& limit) {
  constexpr std::uint64_t kMega = 1 << 20;
  return Failure{Error::no_memory, 0,
                 std::to_string((bytes + kMega - 1) / kMega) +
                     " MiB more shared memory would not fit: " + limit + " leaves " +
                     std::to_string(possible / kMega) +
                     " MiB; take messages out or drop arrays first, or allow more"};
}

}  // namespace

os::MemoryLimit measure_room() {
  os::MemoryLimit room = os::memory_available();
  room.bytes -= std::min(room.bytes, kHeadroom);
  if (local().file.is_bounded() && arena_descriptor() >= 0) {
    const auto free = local().file.room();
    if (free && *free < room.bytes) return {*free, "the size of /dev/shm"};
  }
  return room;
}

Result<Granted> grant(std::uint64_t bytes, const os::MemoryLimit* measured) {
  ArenaHeader& books = header();
  if (books.limit != 0) {
    const std::uint64_t left = books.limit > books.resident ? books.limit - books.resident : 0;
    if (bytes > left) return refuse(bytes, left, "ONECOPY_MEMORY_LIMIT");
  }
  if (bytes > books.granted) {
    if (measured == nullptr) return Granted::measure_first;
    if (bytes > measured->bytes) return refuse(bytes, measured->bytes, measured->name);
    books.granted = std::max(bytes, std::min(measured->bytes / 2, kGrantAhead));
  }
  books.granted -= bytes;
  return Granted::yes;
}

}  // namespace onecopy::memory
