// Blocks: runs of pages of the arena, each in use for one buffer or free.
//
// A block is named by its index; its description (where, how long, whose) lies in the block
// table, outside the pages that it hands out. Who owns a block is one word (owner_word.hpp), and
// every change of owner is one store to it. The free lists are derived from the owner words and
// are rebuilt from them when a process died while it held the books.
//
// Any thread of any member may call these; they take the lock on the books for some tens of
// nanoseconds. A death in the middle leaves the block free or owned by the dead, never both and
// never neither; what the dead owned is found by reclaim.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <onecopy/error.hpp>

#include "memory/local.hpp"

namespace onecopy::memory {

// A block of at least `bytes` bytes (0 counts as 1), held by this process, at least page aligned.
// Contents are undefined. Error::no_memory names the limit that stands in the way.
Result<BlockIndex> allocate_block(std::size_t bytes);
// The same, and the bytes are zero. Pages as the kernel gives them are zero and are left alone, so
// that a large new block costs next to nothing until somebody writes to it.
Result<BlockIndex> allocate_zero_block(std::size_t bytes);

// Gives a block that this process holds back to the free lists, most recently used first.
void release_block(BlockIndex block) noexcept;

// Where the block lies in this process, and how many bytes it was asked for.
inline std::byte* block_data(BlockIndex block) noexcept {
  return local().base + block_record(block).offset;
}
std::size_t block_length(BlockIndex block) noexcept;
// How many bytes it has room for.
inline std::size_t block_capacity(BlockIndex block) noexcept {
  return block_record(block).capacity;
}
// Corrects the length after the fact (never above the capacity).
void set_block_length(BlockIndex block, std::size_t bytes) noexcept;

// Copies `bytes` into the block at `offset`, in the way that is cheapest for pages that are
// fresh, warm but unknown to this process, or warm and mapped. May be called piecewise, in rising
// order of offset. Error::no_memory where the kernel has no page left.
Result<void> fill_block(BlockIndex block, std::size_t offset, const void* source,
                        std::size_t bytes);

// Makes the pages of a held block ready for writing directly, all at once. Optional: pages that
// were not made ready come one fault at a time.
void prepare_block(BlockIndex block) noexcept;

// For who lets others write to the block in place, before they can: its pages count as filled from
// then on, whether they are there yet or not.
void note_written_in_place(BlockIndex block) noexcept;

// The block where `address` lies, whoever's it is, or kNoBlock.
BlockIndex block_around(const void* address) noexcept;
// The block where `address` lies and which this process holds alone, or kNoBlock. Tells that a
// buffer was born in the arena.
BlockIndex block_at(const void* address) noexcept;

// Views: this process counts, privately, how many objects look into a block that it holds. The
// last release_view() releases the block. retain_view() on a block not yet counted starts at 1.
void retain_view(BlockIndex block) noexcept;
void release_view(BlockIndex block) noexcept;
// Gives up the only view without releasing the block, so that it can be put into a channel. False,
// and nothing changed, where the block is frozen or has other views.
bool surrender_view(BlockIndex block) noexcept;
std::uint32_t view_count(BlockIndex block) noexcept;

}  // namespace onecopy::memory
