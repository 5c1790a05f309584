// What of a channel lies in shared memory. The page docs/layout/channel.md is this, in words.
//
// Messages lie in a chain of segments (blocks of the arena), written once from front to back.
// Putters take turns by one lock, getters by another; each side commits with one store of its
// progress word.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "memory/layout.hpp"
#include "memory/local.hpp"
#include "memory/owner_lock.hpp"
#include "sync/sleepers.hpp"

namespace onecopy::channel {

inline constexpr std::uint32_t kUnit = 16;      // bytes; positions count units
inline constexpr std::size_t kLatestWords = 6;  // what is left of a line beside its word

// How far a side has come: the number of messages (low half, also the futex word) and the position
// behind the last of them, both modulo 2^32, changed together by one store.
struct Progress {
  std::uint32_t count = 0;
  std::uint32_t position = 0;

  static constexpr Progress of(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
  }
  constexpr std::uint64_t word() const { return (std::uint64_t{position} << 32) | count; }
};

// What a message counts for in flight: its bytes, blocks included, in steps of 64.
constexpr std::uint32_t weight_of(std::uint64_t bytes) {
  const std::uint64_t steps = (bytes + 63) / 64;
  return steps < 0xffffffffu ? static_cast<std::uint32_t>(steps) : 0xffffffffu;
}

// A sum over all messages up to a progress word, which changes together with that word by its one
// store: the sum up to message n lies in sums[n % 2] and is written before n is committed, so that
// what is not committed changed nothing that anybody reads.
struct RunningSum {
  std::atomic<std::uint64_t> sums[2];
};
static_assert(sizeof(RunningSum) == 16 && std::is_standard_layout_v<RunningSum> &&
              std::is_trivially_copyable_v<RunningSum>);

// Whether position `a` lies before `b`; they are never 2^31 units (32 GiB) apart.
constexpr bool before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

enum class State : std::uint32_t { free, making, open, closing };

// Whether a bell was rung and not silenced since. `perhaps`: somebody is ringing or silencing it,
// or died while he was.
enum class Rung : std::uint32_t { no, yes, perhaps };
static_assert(std::atomic<Rung>::is_always_lock_free);

// Equation: taken.count <= published.count <= taken.count + maximum (if maximum is not 0), and
// done.count <= published.count; put_segment holds published.position, get_segment holds
// taken.position or is followed, by links, by the one that does; while no lock is held, put is
// published, and no block's owner word is `putting` or `taking` for this channel; a message waits
// => bell_rung is not `no`, where its putter had a descriptor to ring; there is room and room_level
// => room_rung is not `no`, where the last getter had one; latest == published.count =>
// latest_words are the record of the last message (latest.hpp).
//
// Who waits for a message watches the line of `published`, and takes it from the putter's cache
// each time: so a putter only writes to it, and has what it must know of itself in the line of its
// lock.
struct alignas(128) ChannelRecord {
  std::atomic<std::uint64_t> state;       // generation << 32 | State
  std::uint64_t maximum_weight;           // in flight; 0: no bound
  std::uint32_t maximum;                  // messages; 0: no bound
  std::atomic<std::uint32_t> bell_level;  // 1: the bell is to be silent while nothing waits
  std::atomic<std::uint32_t> room_level;  // 1: the bell for room is in use, silent while full
  // 1: it has been published, and those who found it have no bell to ring.
  std::atomic<std::uint32_t> has_name;

  alignas(64) memory::OwnerLock put_lock;  // over this line
  std::uint32_t put_segment;
  RunningSum weight_put;
  std::atomic<Rung> bell_rung;  // atomic for those who look without the lock
  sync::Sleepers getters;       // asleep on `published`
  Progress put;                 // what `published` is, for who has the lock

  alignas(64) std::atomic<std::uint64_t> published;
  std::atomic<std::uint32_t> latest;  // which message the words are, counted from 1 on
  std::atomic<std::uint64_t> latest_words[kLatestWords];

  // Not beside `published`: some processors fetch lines in pairs.
  alignas(128) memory::OwnerLock get_lock;  // over this line
  std::uint32_t get_segment;
  std::atomic<Rung> room_rung;  // atomic for the same reason

  alignas(64) std::atomic<std::uint64_t> taken;
  RunningSum weight_taken;
  sync::Sleepers putters;  // asleep on `taken`, for room

  alignas(64) std::atomic<std::uint64_t> done;  // messages reported done (JoinableQueue)
  sync::Sleepers joiners;                       // asleep on `done`
};
static_assert(memory::kChannelsOffset % alignof(ChannelRecord) == 0);
static_assert(sizeof(ChannelRecord) == 512 && sizeof(ChannelRecord) <= memory::kChannelBytes);
static_assert(std::is_standard_layout_v<ChannelRecord> &&
              std::is_trivially_copyable_v<ChannelRecord>);
static_assert(offsetof(ChannelRecord, state) == 0 && offsetof(ChannelRecord, room_level) == 24 &&
              offsetof(ChannelRecord, has_name) == 28 && offsetof(ChannelRecord, put_lock) == 64 &&
              offsetof(ChannelRecord, bell_rung) == 88 && offsetof(ChannelRecord, put) == 96 &&
              offsetof(ChannelRecord, published) == 128 &&
              offsetof(ChannelRecord, latest_words) == 144 &&
              offsetof(ChannelRecord, get_lock) == 256 &&
              offsetof(ChannelRecord, room_rung) == 264 && offsetof(ChannelRecord, taken) == 320 &&
              offsetof(ChannelRecord, done) == 384);

// The head of a segment. Equation: the segment holds positions base to base + units() - 1; its last
// unit is kept for the link.
struct SegmentHead {
  std::uint32_t channel;
  std::uint32_t base;
  std::uint32_t previous;  // block of the segment before, or kNoBlock; may be free already
  std::uint32_t unused;
};
static_assert(sizeof(SegmentHead) == kUnit && std::is_standard_layout_v<SegmentHead> &&
              std::is_trivially_copyable_v<SegmentHead>);
static_assert(offsetof(SegmentHead, base) == 4 && offsetof(SegmentHead, previous) == 8);

// The head of a message in a segment; the blocks' indices and the body follow, each from a unit
// boundary on. Equation: the head, the indices and the body, each rounded up to whole units, take
// `units` of them. A link has `kLink` units instead, and the next segment's block in `body_bytes`.
struct RecordHead {
  std::uint32_t units;  // of the whole record
  std::uint16_t block_count;
  std::uint8_t kind;
  std::uint8_t outline;  // 1: blocks and body lie in the only block listed (OutlineHead)
  std::uint32_t body_bytes;
  std::uint32_t weight;

  bool operator==(const RecordHead&) const = default;
};
static_assert(sizeof(RecordHead) == kUnit && std::is_standard_layout_v<RecordHead> &&
              std::is_trivially_copyable_v<RecordHead>);
static_assert(offsetof(RecordHead, block_count) == 4 && offsetof(RecordHead, kind) == 6 &&
              offsetof(RecordHead, outline) == 7 && offsetof(RecordHead, body_bytes) == 8 &&
              offsetof(RecordHead, weight) == 12);
inline constexpr std::uint32_t kLink = 0xffffffffu;

// The head of a block that holds a message too large for a segment: indices of further blocks, then
// the body from a unit boundary on.
struct OutlineHead {
  std::uint64_t body_bytes;
  std::uint32_t block_count;
  std::uint32_t unused;
};
static_assert(sizeof(OutlineHead) == kUnit && std::is_standard_layout_v<OutlineHead> &&
              std::is_trivially_copyable_v<OutlineHead>);
static_assert(offsetof(OutlineHead, block_count) == 8);

constexpr std::size_t round_to_unit(std::size_t bytes) {
  return (bytes + kUnit - 1) / kUnit * kUnit;
}
constexpr std::size_t indices_bytes(std::size_t count) {
  return round_to_unit(count * sizeof(std::uint32_t));
}

inline ChannelRecord& record_of(std::uint32_t index) noexcept {
  return *reinterpret_cast<ChannelRecord*>(memory::channel_record(index));
}

// Sequentially consistent: a side that publishes and then looks for sleepers pairs with a sleeper
// that counts itself and then looks at the progress.
inline Progress load(const std::atomic<std::uint64_t>& word) noexcept {
  return Progress::of(word.load(std::memory_order_seq_cst));
}
inline void commit(std::atomic<std::uint64_t>& word, Progress progress) noexcept {
  word.store(progress.word(), std::memory_order_seq_cst);
}

constexpr std::uint64_t make_state(std::uint32_t generation, State state) {
  return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(state);
}

// How many messages wait; old at once where the caller holds no lock.
inline std::uint32_t waiting(const ChannelRecord& record) noexcept {
  // Taken first: a message taken in between makes the answer too large, never negative.
  const std::uint32_t taken = load(record.taken).count;
  return load(record.published).count - taken;
}

// Whether as many messages wait as may; old at once where the caller holds no lock.
inline bool is_full(const ChannelRecord& record) noexcept {
  if (record.maximum == 0) return false;
  return waiting(record) >= record.maximum;
}

// With the lock of that side held: the sum up to `progress`, and the one after a message more.
inline std::uint64_t sum_at(const RunningSum& sum, Progress progress) noexcept {
  // Acquire: who sees the sum of a later message sees, by loading the progress again, that it is
  // later.
  return sum.sums[progress.count % 2].load(std::memory_order_acquire);
}
inline void add_next(RunningSum& sum, Progress progress, std::uint32_t amount) noexcept {
  // Release: pairs with sum_at() without the lock. The place is the one of a message before
  // `progress`, and whoever finds the new sum there finds that progress has gone on.
  sum.sums[(progress.count + 1) % 2].store(sum_at(sum, progress) + amount,
                                           std::memory_order_release);
}

}  // namespace onecopy::channel
