// The allocator's books: which blocks are free, by size class, and how much is resident. Kept
// outside the pages that are handed out, and derived: after a death they are rebuilt from the owner
// words (rebuild_books), which are the truth.
//
// Books holds the lock on them: any thread of any member may make one, for as long as a few calls
// take, and the rooms above do so to free blocks that they found by their owner words. A death with
// it held leaves the books wrong and the owner words right; the next Books rebuilds.
#pragma once

#include <cstdint>

#include <onecopy/error.hpp>

#include "memory/index.hpp"
#include "os/limits.hpp"

namespace onecopy::memory {

struct Taken {
  BlockIndex block = kNoBlock;
  // Its pages are as the kernel gives them: nobody has written to them since. (An odd page
  // generation says less: what was begun to be filled has one too.)
  bool untouched = false;
};

// Holds the lock on the books; repairs them first where the last holder died.
class Books {
 public:
  Books() noexcept;
  ~Books();
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  // A block of that class, most recently freed first, warm before cold before new; its owner is
  // this process. kNoBlock: call again with what measure_room() says. Error::no_memory names the
  // limit, Error::too_many the table.
  Result<Taken> take(std::uint32_t size_class, const os::MemoryLimit* measured);
  // Frees a block: its owner word becomes free here. With a reference goes the shared block that
  // nothing else holds.
  void put_back(BlockIndex block) noexcept;
  // Takes the warm block that has been free longest, if it was freed before `until`, out of the
  // lists; it is held by this process then. kNoBlock: none.
  BlockIndex take_idle(std::uint64_t until) noexcept;
  // Frees a block whose pages went back to the kernel.
  void put_back_cold(BlockIndex block) noexcept;

 private:
  Result<Taken> make(std::uint32_t size_class);
};

// Rebuilds lists and figures from the block records, with the lock held or nobody there to take it.
// Idempotent.
void rebuild_books() noexcept;

}  // namespace onecopy::memory
