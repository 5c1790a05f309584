#include "memory/reference.hpp"

#include "memory/block.hpp"
#include "memory/books.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"

namespace onecopy::memory {

Result<BlockIndex> make_reference(SharedName name) {
  auto block = allocate_block(sizeof name);
  if (!block) return block;
  const Books books;
  BlockRecord& record = block_record(*block);
  record.named = name.block;
  record.named_time = name.time;
  // After the name, whatever the compiler would like: a death in between leaves a block of no use.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  set_purpose(*block, Purpose::reference);
  ++block_record(name.block).references;
  return block;
}

Result<SharedName> take_reference(BlockIndex reference) {
  const bool mine =
      reference < block_count() && owner_of(reference) == OwnerWord::held(local().slot);
  const SharedName name = mine ? named_by(reference) : SharedName{};
  // The handle first: the shared block is held at every moment.
  const Result<void> held = name.block != kNoBlock
                                ? hold_shared(name)
                                : Failure{Error::corrupt, 0,
                                          "the message has a block for a reference "
                                          "to shared memory that is none"};
  if (mine) release_block(reference);
  if (!held) return held.failure();
  return name;
}

SharedName named_by(BlockIndex block) noexcept {
  if (purpose_of(block) != Purpose::reference) return {};
  return {block_record(block).named, block_record(block).named_time};
}

void count_references() noexcept {
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    if (owner_of(block).state() == OwnerState::shared) block_record(block).references = 0;
  }
  for (BlockIndex block = 0; block < count; ++block) {
    const SharedName name = named_by(block);
    if (name.block != kNoBlock) ++block_record(name.block).references;
  }
}

}  // namespace onecopy::memory
