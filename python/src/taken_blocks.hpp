// The blocks of a message that was taken, used one after the other in their order; what is not used
// is released.
#pragma once

#include <utility>
#include <vector>

#include "memory/block.hpp"

namespace onecopy::python {

class TakenBlocks {
 public:
  explicit TakenBlocks(std::vector<memory::BlockIndex>&& blocks) noexcept
      : blocks_(std::move(blocks)) {
    blocks.clear();
  }
  ~TakenBlocks() {
    while (!is_empty()) memory::release_block(take());
  }
  TakenBlocks(const TakenBlocks&) = delete;
  TakenBlocks& operator=(TakenBlocks&& other) noexcept {
    blocks_.swap(other.blocks_);
    std::swap(next_, other.next_);
    return *this;
  }

  const std::vector<memory::BlockIndex>& all() const noexcept { return blocks_; }
  bool is_empty() const noexcept { return next_ == blocks_.size(); }
  // The next block is the caller's from now on.
  memory::BlockIndex take() noexcept { return blocks_[next_++]; }

 private:
  std::vector<memory::BlockIndex> blocks_;
  std::size_t next_ = 0;
};

// A block that was taken, released at the end of its use.
class BlockInUse {
 public:
  // kNoBlock: nothing to release.
  explicit BlockInUse(memory::BlockIndex block) noexcept : block_(block) {}
  ~BlockInUse() {
    if (block_ != memory::kNoBlock) memory::release_block(block_);
  }
  BlockInUse(const BlockInUse&) = delete;
  BlockInUse& operator=(const BlockInUse&) = delete;

 private:
  memory::BlockIndex block_;
};

}  // namespace onecopy::python
