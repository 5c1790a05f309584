#include "memory/shared.hpp"

#include <mutex>

#include "memory/block.hpp"
#include "memory/books.hpp"
#include "memory/family.hpp"
#include "memory/housekeeping.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"

namespace onecopy::memory {
namespace {

// Handles of this process on the block; changed under its mutex of handles.
std::atomic<std::uint32_t>& handles_on(BlockIndex block) noexcept {
  return local().blocks[block].views;
}

bool is_shared_as(SharedName name) noexcept {
  return name.block < block_count() && owner_of(name.block) == OwnerWord::shared(name.time);
}

}  // namespace

void free_if_unheld(Books& books, BlockIndex block) noexcept {
  if (owner_of(block).state() != OwnerState::shared || block_record(block).references != 0) return;
  if (!ledger_held_by_anyone(Ledger::blocks, block)) books.put_back(block);
}

Result<SharedName> make_shared_block(std::size_t bytes, Purpose purpose) {
  auto block = allocate_zero_block(bytes);
  if (!block) return std::move(block).failure();
  return share_block(*block, purpose);
}

SharedName share_block(BlockIndex block, Purpose purpose) noexcept {
  BlockRecord& record = block_record(block);
  set_purpose(block, purpose);
  record.references = 0;
  note_written_in_place(block);
  const std::lock_guard guard(local().handles_mutex);
  handles_on(block).store(1, std::memory_order_relaxed);
  // The holder first: nobody may find the block shared and without one.
  ledger_set(Ledger::blocks, self(), block);
  const SharedName name{block, ++record.times_common};
  set_owner(block, OwnerWord::shared(name.time));
  return name;
}

Result<void> hold_shared(SharedName name) {
  if (auto joined = join_family(); !joined) return joined;
  const std::lock_guard guard(local().handles_mutex);
  {
    const Books books;
    if (!is_shared_as(name)) {
      return Failure{Error::closed, 0,
                     "the lock or shared memory is gone: nobody held it any more"};
    }
    ledger_set(Ledger::blocks, self(), name.block);
  }
  handles_on(name.block).fetch_add(1, std::memory_order_relaxed);
  return {};
}

void let_go_shared(SharedName name) noexcept {
  if (!in_family()) return;
  {
    const std::lock_guard guard(local().handles_mutex);
    if (handles_on(name.block).fetch_sub(1, std::memory_order_relaxed) != 1) return;
    Books books;
    ledger_clear(Ledger::blocks, self(), name.block);
    free_if_unheld(books, name.block);
  }
  housekeep();
}

void hold_shared_for(SharedName name, Slot child) noexcept {
  ledger_set(Ledger::blocks, child, name.block);
}

SharedName shared_at(const void* address, Purpose purpose) noexcept {
  const BlockIndex block = block_around(address);
  if (block == kNoBlock || handles_on(block).load(std::memory_order_relaxed) == 0) return {};
  const OwnerWord owner = owner_of(block);
  if (owner.state() != OwnerState::shared || purpose_of(block) != purpose) return {};
  return {block, owner.sequence()};
}

void share_holds(Slot child) noexcept {
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    if (owner_of(block).state() == OwnerState::shared &&
        ledger_has(Ledger::blocks, self(), block)) {
      ledger_set(Ledger::blocks, child, block);
    }
  }
}

void for_each_shared(Purpose purpose, void (*visit)(std::byte* data, const void* context),
                     const void* context) noexcept {
  const std::uint32_t count = block_count();
  const auto is_one = [purpose](BlockIndex block) {
    return owner_of(block).state() == OwnerState::shared && purpose_of(block) == purpose;
  };
  for (BlockIndex block = 0; block < count; ++block) {
    if (!is_one(block)) continue;
    const Books books;
    if (is_one(block)) visit(block_data(block), context);
  }
}

void release_shared_of_dead(Slot slot) noexcept {
  const std::uint32_t count = block_count();
  for (BlockIndex block = 0; block < count; ++block) {
    if (owner_of(block).state() != OwnerState::shared) continue;
    Books books;
    if (owner_of(block).state() != OwnerState::shared) continue;
    ledger_clear(Ledger::blocks, slot, block);
    free_if_unheld(books, block);
  }
}

}  // namespace onecopy::memory
