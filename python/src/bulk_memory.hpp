// Memory for many objects at once. Building a large list or dict makes Python's allocator take one
// arena after the other from the system, and every page of them costs a fault when it is first
// touched: more than all the rest of the building. While a BulkMemory lives on a thread, the arenas
// that this thread takes are made present in one go; and as many as bulks have taken, up to a
// bound, are kept for the next when Python gives them back, offered to the kernel meanwhile. The
// table of a large list comes from malloc; from the first bulk on that keeps up to 64 MB of what it
// is given back, as it does in any process that has freed 32 MB at a time. Source:
// PyObject_SetArenaAllocator of the C API; madvise(2), MADV_POPULATE_WRITE, MADV_FREE; mallopt(3),
// M_MMAP_THRESHOLD.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// Objects of fewer bytes are built without.
inline constexpr std::size_t kSmallestBulk = 256 * 1024;

class BulkMemory {
 public:
  explicit BulkMemory(std::size_t expected_bytes) noexcept;
  ~BulkMemory();
  BulkMemory(const BulkMemory&) = delete;
  BulkMemory& operator=(const BulkMemory&) = delete;

 private:
  const bool counted_;
};

// A list of so many empty places, present in memory where they are many. Null: an exception is set.
PyObject* new_list(Py_ssize_t count);

// Once, when the module is loaded.
void watch_arenas() noexcept;

}  // namespace onecopy::python
