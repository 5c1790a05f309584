// What this process knows about its family for itself: where the arena is mapped, which member it
// is, and private counts. Nothing here is shared; a fork copies it, and the child's hook corrects
// what must differ.
//
// Internal to the rooms of the engine. Filled once by join_family() or adopt() (arena.cpp and
// family.cpp); read afterwards by any thread without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "memory/layout.hpp"
#include "os/memory_file.hpp"

namespace onecopy::memory {

// This process's own knowledge of one block.
struct LocalBlock {
  std::atomic<std::uint32_t> views;  // objects here that look into it
  // The record's, as it was when this process mapped the pages; 0: it has not.
  std::atomic<std::uint32_t> page_generation;
  std::atomic<std::uint32_t> is_private;  // mapped privately since a fork
};

struct Local {
  std::byte* base = nullptr;
  std::uint64_t capacity = 0;
  os::MemoryFile file;
  os::FileIdentity file_identity{};
  std::atomic<bool> mapped{false};  // the arena is there; a place in it may not be
  Slot slot = kNoSlot;
  std::uint32_t generation = 0;
  std::uint32_t lock_word = 0;
  LocalBlock* blocks = nullptr;  // kMaxBlocks of them, in lazily taken pages
  os::Descriptor guard;          // see MemberRecord::guarded
  // Held while this process's handles on channels change, and by a fork: so that the child holds
  // exactly what it has handles for. Taken before any lock of the arena, and before the next.
  std::mutex handles_mutex;
  // Held while a view is given up for good, and by a fork: so that a fork sees each held block
  // either wholly held or wholly given up.
  std::mutex views_mutex;
};

// There from the start, so that asking for it is no call, and never destroyed: arrays may look into
// the arena until the very end of the process.
union LocalStorage {
  constexpr LocalStorage() noexcept : local() {}
  ~LocalStorage() {}
  Local local;
};
extern constinit LocalStorage local_storage;
inline Local& local() noexcept { return local_storage.local; }

// The arena's descriptor; -1 where the program closed it, and the number means nothing or another
// file by now. Asked before each use: what is done to the wrong file cannot be undone.
int arena_descriptor() noexcept;

inline ArenaHeader& header() noexcept {
  return *reinterpret_cast<ArenaHeader*>(local().base + kHeaderOffset);
}
inline MemberRecord& member_record(Slot slot) noexcept {
  return reinterpret_cast<MemberRecord*>(local().base + kMembersOffset)[slot];
}
inline BlockRecord& block_record(BlockIndex block) noexcept {
  return reinterpret_cast<BlockRecord*>(local().base + kBlocksOffset)[block];
}
// How many members, blocks and channels there are, or were: their indices lie below. Acquire: pairs
// with the release of whoever made the last one (member.cpp, books.cpp, channel/table.cpp), so that
// its record is seen. One made meanwhile is left out; who holds the lock over the table misses
// none.
inline std::uint32_t member_count() noexcept {
  return header().member_high_water.load(std::memory_order_acquire);
}
inline std::uint32_t block_count() noexcept {
  return header().block_count.load(std::memory_order_acquire);
}
inline std::uint32_t channel_count() noexcept {
  return header().channel_high_water.load(std::memory_order_acquire);
}
inline std::byte* channel_record(ChannelIndex channel) noexcept {
  return local().base + kChannelsOffset + std::uint64_t{channel} * kChannelBytes;
}
inline std::byte* names_table() noexcept { return local().base + kNamesOffset; }
inline std::byte* trace_record(Slot slot) noexcept {
  return local().base + kTraceOffset + std::uint64_t{slot} * kTraceBytes;
}

}  // namespace onecopy::memory
