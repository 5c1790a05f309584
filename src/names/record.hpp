// The table of names as it lies in the arena. The page docs/layout/names.md is this, in words.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "channel/channel.hpp"
#include "memory/local.hpp"
#include "memory/owner_lock.hpp"
#include "memory/shared.hpp"
#include "os/descriptor_desk.hpp"
#include "sync/sleepers.hpp"

namespace onecopy::names {

inline constexpr std::size_t kLongestName = 63;    // bytes of UTF-8
inline constexpr std::size_t kMostShared = 8;      // shared blocks of one value
inline constexpr std::size_t kLongestBody = 1792;  // bytes of a value without what is shared

// What stands under a name. The numbers are part of the layout. A queue of C++ is a `queue`; what
// kind it is in Python matters to Python alone.
enum class What : std::uint32_t {
  none = 0,
  queue = 1,
  simple_queue = 2,
  joinable_queue = 3,
  value = 4,   // the body of a message of message::Kind::value
  pickle = 5,  // the same of message::Kind::pickle
  array = 6,   // an Array of C++: an ArrayBody; its lock and its elements are shared parts
  pipe = 7,    // an end of a pipe: a PipeBody
};

enum class Entry : std::uint32_t { free, published };

// The head of the table. Equation: all entries from `high_water` on are free and untouched;
// `changes` has risen since an entry became published, or whoever made it so holds `lock` still, or
// died before he had done that.
struct NamesHead {
  memory::OwnerLock lock;                 // over every entry
  std::atomic<std::uint32_t> high_water;  // entries that are in use, or were
  std::atomic<std::uint64_t> changes;     // how many names have been published
  sync::Sleepers finders;                 // asleep on `changes`
};
static_assert(sizeof(NamesHead) == 24 && sizeof(NamesHead) <= memory::kNamesHeadBytes);
static_assert(std::is_standard_layout_v<NamesHead> && std::is_trivially_copyable_v<NamesHead>);
static_assert(offsetof(NamesHead, lock) == 0 && offsetof(NamesHead, high_water) == 4 &&
              offsetof(NamesHead, changes) == 8 && offsetof(NamesHead, finders) == 16);

// One name. Equation: while `state` is not `published` the rest means nothing. Of two published
// entries with one name at most one has a publisher that lives. What stands under the name is held
// by the publisher: a queue by its bit in the ledger of channels, shared blocks by `references`,
// which are its own; each names the shared block beside it.
struct alignas(64) NameRecord {
  std::atomic<Entry> state;
  What what;
  std::uint32_t slot;  // of the publisher
  std::uint32_t generation;
  std::uint32_t channel;  // of a queue: its name in the family
  std::uint32_t channel_generation;
  std::uint32_t body_bytes;    // of a value
  std::uint32_t shared_count;  // of a value
  memory::SharedName shared[kMostShared];
  std::uint32_t references[kMostShared];
  std::uint32_t name_bytes;
  char name[kLongestName + 1];
  alignas(64) std::byte body[kLongestBody];
};
static_assert(sizeof(NameRecord) == memory::kNameBytes && alignof(NameRecord) == 64);
static_assert(std::is_standard_layout_v<NameRecord> && std::is_trivially_copyable_v<NameRecord>);
static_assert(offsetof(NameRecord, state) == 0 && offsetof(NameRecord, slot) == 8 &&
              offsetof(NameRecord, channel) == 16 && offsetof(NameRecord, body_bytes) == 24 &&
              offsetof(NameRecord, shared) == 32 && offsetof(NameRecord, references) == 96 &&
              offsetof(NameRecord, name_bytes) == 128 && offsetof(NameRecord, name) == 132 &&
              offsetof(NameRecord, body) == 256);

// The body of an array.
struct ArrayBody {
  std::uint64_t count;
  std::uint64_t element_bytes;
  std::uint64_t type_hash;
};
static_assert(sizeof(ArrayBody) == 24 && sizeof(ArrayBody) <= kLongestBody &&
              std::is_trivially_copyable_v<ArrayBody>);

// The body of an end of a pipe. The publisher's process holds both channels, by handles, and hands
// out the socket (os/descriptor_desk.hpp).
struct PipeBody {
  channel::Name incoming;
  channel::Name outgoing;
  std::uint32_t receives;  // 0: there is no such channel
  std::uint32_t sends;
  os::DeskAddress desk;
};
static_assert(sizeof(PipeBody) == 40 && sizeof(PipeBody) <= kLongestBody &&
              std::is_trivially_copyable_v<PipeBody>);

inline NamesHead& head() noexcept { return *reinterpret_cast<NamesHead*>(memory::names_table()); }
inline NameRecord& record_of(std::uint32_t entry) noexcept {
  return reinterpret_cast<NameRecord*>(memory::names_table() + memory::kNamesHeadBytes)[entry];
}

}  // namespace onecopy::names
