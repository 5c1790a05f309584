#include "bulk_memory.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include "os/memory_advice.hpp"
#include "os/memory_file.hpp"

namespace onecopy::python {
namespace {

PyObjectArenaAllocator of_python;

thread_local int bulks = 0;

struct Pages {
  std::byte* begin;
  std::size_t bytes;
};

// The whole pages of it; those at its ends may hold something else.
Pages pages_within(void* address, std::size_t bytes) noexcept {
  const std::uintptr_t page = os::page_size();
  const auto from = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t begin = (from + page - 1) / page * page;
  const std::uintptr_t end = (from + bytes) / page * page;
  return {reinterpret_cast<std::byte*>(begin), begin < end ? end - begin : 0};
}

// The arenas that were given back last. Their pages are offered to the kernel, which takes them
// when it wants memory.
class WarmArenas {
 public:
  // Null where there is none of that size.
  void* take(std::size_t bytes, bool for_bulk) noexcept {
    const Turn turn(busy_);
    if (!turn) return nullptr;
    if (for_bulk) wanted_ = std::min(wanted_ + 1, kMost);
    if (count_ == 0 || arenas_[count_ - 1].bytes != bytes) return nullptr;
    return arenas_[--count_].address;
  }

  // False: it is not kept.
  bool keep(void* arena, std::size_t bytes) noexcept {
    const Turn turn(busy_);
    if (!turn || count_ == wanted_) return false;
    arenas_[count_++] = {arena, bytes};
    const Pages pages = pages_within(arena, bytes);
    os::offer_back(pages.begin, pages.bytes);
    return true;
  }

 private:
  // Of a megabyte each since Python 3.10.
  static constexpr std::size_t kMost = 96;

  // Interpreters with a GIL each share what the process has. Nobody waits: whoever comes second, or
  // was forked while another was at it, does without.
  class Turn {
   public:
    // Acquire and release: one turn sees what the one before has left.
    explicit Turn(std::atomic_flag& busy) noexcept
        : busy_(busy), ours_(!busy.test_and_set(std::memory_order_acquire)) {}
    ~Turn() {
      if (ours_) busy_.clear(std::memory_order_release);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    explicit operator bool() const noexcept { return ours_; }

   private:
    std::atomic_flag& busy_;
    const bool ours_;
  };

  struct Arena {
    void* address;
    std::size_t bytes;
  };

  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  std::size_t wanted_ = 0;
  std::size_t count_ = 0;
  std::array<Arena, kMost> arenas_{};
};

WarmArenas warm_arenas;

void* take_arena(void*, std::size_t bytes) {
  const bool for_bulk = bulks != 0;
  if (void* warm = warm_arenas.take(bytes, for_bulk)) return warm;
  void* arena = of_python.alloc(of_python.ctx, bytes);
  if (arena != nullptr && for_bulk) {
    // Where it does not work, pages come one by one as ever.
    const Pages pages = pages_within(arena, bytes);
    os::populate(pages.begin, pages.bytes);
  }
  return arena;
}

void give_arena_back(void*, void* arena, std::size_t bytes) {
  if (!warm_arenas.keep(arena, bytes)) of_python.free(of_python.ctx, arena, bytes);
}

// malloc adjusts itself to the largest piece that it had from the kernel and gave back, up to this
// size; where the user has told it what to do it does not.
void have_malloc_keep_memory() noexcept {
  constexpr std::size_t kLargest = 4 * 1024 * 1024 * sizeof(long);
  constexpr std::size_t kHeader = 64 * 1024;  // which is part of the piece, and its whole last page
  void* volatile piece = std::malloc(kLargest - kHeader);  // volatile: or it would be optimised out
  std::free(piece);
}

}  // namespace

BulkMemory::BulkMemory(std::size_t expected_bytes) noexcept
    : counted_(expected_bytes >= kSmallestBulk) {
  if (!counted_) return;
  ++bulks;
  static std::once_flag adjusted;
  std::call_once(adjusted, have_malloc_keep_memory);
}

BulkMemory::~BulkMemory() {
  if (counted_) --bulks;
}

PyObject* new_list(Py_ssize_t count) {
  PyObject* list = PyList_New(count);
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(PyObject*);
  if (list != nullptr && bytes >= kSmallestBulk) {
    const Pages pages = pages_within(PySequence_Fast_ITEMS(list), bytes);
    os::prefer_huge_pages(pages.begin, pages.bytes);
    os::populate(pages.begin, pages.bytes);
  }
  return list;
}

void watch_arenas() noexcept {
  PyObject_GetArenaAllocator(&of_python);
  PyObjectArenaAllocator watched{nullptr, take_arena, give_arena_back};
  PyObject_SetArenaAllocator(&watched);
}

}  // namespace onecopy::python
