// Where everything lies in the arena's file. The page docs/layout/arena.md is this, in words.
//
// All numbers are offsets from the arena's start, the same for every member; nothing in shared
// memory is a pointer. The tables are sparse: a page that nobody touched takes no memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "memory/index.hpp"
#include "memory/owner_lock.hpp"
#include "memory/shared_identity.hpp"

namespace onecopy::memory {

inline constexpr std::uint64_t kMagic = 0x79706f63656e6f01;  // "\1onecopy", little endian
// Raised with every change to anything that lies in shared memory; members of different layouts
// refuse each other.
inline constexpr std::uint32_t kLayoutVersion = 11;

inline constexpr std::uint32_t kMaxMembers = 1024;
inline constexpr std::uint32_t kMaxChannels = 16384;
inline constexpr std::uint32_t kMaxBlocks = 1u << 20;
inline constexpr std::uint32_t kMaxAnnouncements = 4096;
inline constexpr std::uint32_t kMaxNames = 1024;
inline constexpr std::uint32_t kSizeClasses = 256;

static_assert(kMaxMembers <= 1u << 12 && kMaxChannels <= 1u << 16, "they fit the owner word");
static_assert(kMaxMembers < 1u << kLockSlotBits, "they fit the word of an owner lock");

// What a place in the table of members is. `dead`: what its member held is being taken back.
enum class Place : std::uint32_t { free, reserved, living, dead };

// One member. Equation: `state` is (generation << 32 | Place); the other words are meaningful
// while it is not free, and a generation is never used twice for a slot. `identity` of a reserved
// place is empty until it is known who was started for it. While `guarded` is 1 and the byte of the
// arena's file whose number is the slot is held (os/byte_lock.hpp), the member is unborn or has not
// called exec.
struct alignas(64) MemberRecord {
  std::atomic<std::uint64_t> state;
  SharedIdentity identity;
  std::atomic<Slot> reserver;  // slot of the parent that reserved it
  std::atomic<std::uint32_t> reserver_generation;
  std::atomic<std::uint32_t> guarded;
  std::atomic<std::uint64_t> joined_at;  // monotonic nanoseconds
};
static_assert(sizeof(MemberRecord) == 64 && alignof(MemberRecord) == 64);
static_assert(std::is_standard_layout_v<MemberRecord> &&
              std::is_trivially_copyable_v<MemberRecord>);
static_assert(offsetof(MemberRecord, identity) == 8 && offsetof(MemberRecord, reserver) == 40 &&
              offsetof(MemberRecord, guarded) == 48 && offsetof(MemberRecord, joined_at) == 56);

// What a block in use is for.
enum class Purpose : std::uint32_t {
  data,
  segment,
  lock,
  elements,
  array,
  reference,
  semaphore,
  event,
  condition,
  barrier,
  pool,
};

// One block. Equation: in use (owner not free) or in exactly one free list of its size class;
// [offset, offset + capacity) overlaps no other block's; length <= capacity; the pages are the
// kernel's (cold) or ours (warm). What a reference names is shared, for that time.
struct alignas(64) BlockRecord {
  std::atomic<std::uint64_t> owner;  // an OwnerWord
  std::uint64_t offset;              // in the file, a multiple of the page size
  std::uint64_t capacity;            // bytes, what its size class has
  std::uint64_t length;              // bytes asked for; meaningful while in use
  std::uint64_t freed_at;            // monotonic nanoseconds; meaningful while free
  union {
    BlockIndex newer;          // free list, towards the most recently freed
    std::uint32_t references;  // of a shared one: how many references name it; one of the books
    BlockIndex named;          // of a reference: the shared block
  };
  union {
    BlockIndex older;          // free list, towards the longest free
    std::uint32_t named_time;  // of a reference: the time of that sharing
  };
  std::uint16_t size_class;
  std::uint16_t warm;  // 1: its pages are counted as resident
  // Odd: the kernel has its pages, or they were never filled; even: filled. Rises at each change.
  std::atomic<std::uint32_t> page_generation;
  std::atomic<Purpose> purpose;  // `data` while free
  std::uint32_t times_common;    // the number in the owner word of the last time frozen or shared
};
static_assert(sizeof(BlockRecord) == 64 && alignof(BlockRecord) == 64);
static_assert(std::is_standard_layout_v<BlockRecord> && std::is_trivially_copyable_v<BlockRecord>);
static_assert(offsetof(BlockRecord, owner) == 0 && offsetof(BlockRecord, offset) == 8 &&
              offsetof(BlockRecord, length) == 24 && offsetof(BlockRecord, newer) == 40 &&
              offsetof(BlockRecord, named_time) == 44 && offsetof(BlockRecord, size_class) == 48 &&
              offsetof(BlockRecord, page_generation) == 52 &&
              offsetof(BlockRecord, times_common) == 60);

// The free blocks of one size class, most recently freed first. Equation: both are kNoBlock, or
// `older` leads from `newest` to `oldest` and ends there, and `newer` leads back the same way.
struct FreeList {
  BlockIndex newest;
  BlockIndex oldest;
};
static_assert(sizeof(FreeList) == 8 && std::is_trivially_copyable_v<FreeList> &&
              std::is_standard_layout_v<FreeList>);

// The head of the file. Equation: resident = in_use + warm over all blocks, in bytes of capacity
// of those whose `warm` is 1; block_count blocks exist; data_end is the end of the last one.
struct ArenaHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t package_version;
  std::uint64_t capacity;   // address space that every member reserves
  std::uint64_t limit;      // ONECOPY_MEMORY_LIMIT in bytes; 0: none given
  std::uint32_t user;       // of everybody in the family
  std::uint64_t secret[2];  // known to nobody who does not map this

  alignas(64) OwnerLock books;  // over everything down to `cold_lists`, and the block records
  std::atomic<std::uint32_t> block_count;
  std::uint64_t data_end;
  std::uint64_t resident;
  std::uint64_t warm;
  std::uint64_t granted;  // bytes that may still become resident before the limits are read again
  std::uint64_t highest_resident;
  std::atomic<std::uint64_t> housekept_at;
  FreeList warm_lists[kSizeClasses];
  FreeList cold_lists[kSizeClasses];

  alignas(64) OwnerLock members;  // over reserving and freeing places
  std::atomic<std::uint32_t> member_high_water;
  alignas(64) OwnerLock reclaiming;  // over taking back what the dead held
  std::atomic<std::uint64_t> looked_for_dead_at;
  alignas(64) OwnerLock channels;  // over making and freeing channels
  std::atomic<std::uint32_t> channel_high_water;
  alignas(64) std::atomic<std::uint32_t> announcement_high_water;
};
static_assert(std::is_standard_layout_v<ArenaHeader> && std::is_trivially_copyable_v<ArenaHeader>);
static_assert(offsetof(ArenaHeader, magic) == 0 && offsetof(ArenaHeader, layout_version) == 8 &&
                  offsetof(ArenaHeader, package_version) == 12,
              "where every layout has them");
static_assert(offsetof(ArenaHeader, capacity) == 16 && offsetof(ArenaHeader, books) == 64 &&
              offsetof(ArenaHeader, data_end) == 72 && offsetof(ArenaHeader, warm_lists) == 120 &&
              offsetof(ArenaHeader, members) == 4224 && offsetof(ArenaHeader, reclaiming) == 4288 &&
              offsetof(ArenaHeader, channels) == 4352 &&
              offsetof(ArenaHeader, announcement_high_water) == 4416 &&
              sizeof(ArenaHeader) == 4480);

inline constexpr std::uint64_t kHeaderOffset = 0;
inline constexpr std::uint64_t kMembersOffset = 64 * 1024;
inline constexpr std::uint64_t kTraceOffset = kMembersOffset + kMaxMembers * sizeof(MemberRecord);
inline constexpr std::uint64_t kTraceBytes = 512;  // of each member
inline constexpr std::uint64_t kChannelsOffset = kTraceOffset + kMaxMembers * kTraceBytes;
inline constexpr std::uint64_t kChannelBytes = 512;  // of each channel
inline constexpr std::uint64_t kChannelLedgerOffset =
    kChannelsOffset + std::uint64_t{kMaxChannels} * kChannelBytes;
inline constexpr std::uint64_t kChannelLedgerBytes = kMaxChannels / 8;  // of each member
inline constexpr std::uint64_t kBlocksOffset =
    kChannelLedgerOffset + kMaxMembers * kChannelLedgerBytes;
inline constexpr std::uint64_t kBlockLedgerOffset =
    kBlocksOffset + std::uint64_t{kMaxBlocks} * sizeof(BlockRecord);
inline constexpr std::uint64_t kBlockLedgerBytes = kMaxBlocks / 8;  // of each member
inline constexpr std::uint64_t kAnnouncementsOffset =
    kBlockLedgerOffset + kMaxMembers * kBlockLedgerBytes;
inline constexpr std::uint64_t kAnnouncementBytes = 64;
inline constexpr std::uint64_t kNamesOffset =
    kAnnouncementsOffset + kMaxAnnouncements * kAnnouncementBytes;
inline constexpr std::uint64_t kNamesHeadBytes = 64;
inline constexpr std::uint64_t kNameBytes = 2048;  // of each name
inline constexpr std::uint64_t kDataOffset = 256ull << 20;

static_assert(sizeof(ArenaHeader) <= kMembersOffset);
static_assert(kNamesOffset + kNamesHeadBytes + kMaxNames * kNameBytes <= kDataOffset);
static_assert(kChannelsOffset % 64 == 0 && kBlocksOffset % 64 == 0 &&
              kBlockLedgerOffset % 64 == 0 && kAnnouncementsOffset % 64 == 0 &&
              kNamesOffset % 64 == 0);

}  // namespace onecopy::memory
