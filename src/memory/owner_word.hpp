// The owner word: whose a block is, in one 64-bit word, so that every change is one store.
//
//   state    member  channel  sequence
//   63..60   59..48  47..32   31..0
//
//   free      -       -        -       in a free list
//   held      member  -        -       a process's own
//   putting   member  channel  put no. on its way into a channel: uncommitted while the channel's
//                                      count of messages put still equals `sequence`
//   queued    -       channel  -       a channel's own: a queued message, or one of its segments
//   taking    member  channel  get no. on its way out: uncommitted while the channel's count of
//                                      messages taken still equals `sequence`
//   part      -       -        block   belongs to whoever owns the head block `sequence`
//   frozen    -       -        time    held by every member whose ledger has its bit (ledger.hpp),
//                                      each with a private mapping (frozen.hpp)
//   shared    -       -        time    held likewise, or by references to it (reference.hpp), and
//                                      one and the same for all (shared.hpp)
//
// `time`: how often the block has been frozen or shared.
//
// `putting` and `taking` stand only while the member holds that channel's lock for putting or
// taking; whoever takes the lock over from a dead member resolves them (channel/repair.cpp). So
// the books of a dead member's blocks (reclaim.cpp) need to look at `held`, `part`, `frozen`
// and `shared` only.
#pragma once

#include <cstdint>

#include "memory/index.hpp"

namespace onecopy::memory {

enum class OwnerState : std::uint8_t { free, held, putting, queued, taking, part, frozen, shared };

class OwnerWord {
 public:
  constexpr OwnerWord() = default;
  explicit constexpr OwnerWord(std::uint64_t bits) : bits_(bits) {}

  static constexpr OwnerWord free() { return make(OwnerState::free, 0, 0, 0); }
  static constexpr OwnerWord held(Slot member) { return make(OwnerState::held, member, 0, 0); }
  static constexpr OwnerWord putting(Slot member, ChannelIndex channel, std::uint32_t sequence) {
    return make(OwnerState::putting, member, channel, sequence);
  }
  static constexpr OwnerWord queued(ChannelIndex channel) {
    return make(OwnerState::queued, 0, channel, 0);
  }
  static constexpr OwnerWord taking(Slot member, ChannelIndex channel, std::uint32_t sequence) {
    return make(OwnerState::taking, member, channel, sequence);
  }
  static constexpr OwnerWord part(BlockIndex head) { return make(OwnerState::part, 0, 0, head); }
  // The time tells this holding from any later one: who saw the word and then found no holder may
  // be looking at a block that was freed, used and frozen again in between.
  static constexpr OwnerWord frozen(std::uint32_t time) {
    return make(OwnerState::frozen, 0, 0, time);
  }
  static constexpr OwnerWord shared(std::uint32_t time) {
    return make(OwnerState::shared, 0, 0, time);
  }

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr OwnerState state() const { return static_cast<OwnerState>(bits_ >> 60); }
  constexpr std::uint32_t member() const {
    return static_cast<std::uint32_t>(bits_ >> 48) & 0xfffu;
  }
  constexpr std::uint32_t channel() const {
    return static_cast<std::uint32_t>(bits_ >> 32) & 0xffffu;
  }
  constexpr std::uint32_t sequence() const { return static_cast<std::uint32_t>(bits_); }
  constexpr std::uint32_t head() const { return sequence(); }

  constexpr bool operator==(const OwnerWord&) const = default;

 private:
  static constexpr OwnerWord make(OwnerState state, std::uint64_t member, std::uint64_t channel,
                                  std::uint64_t sequence) {
    return OwnerWord((static_cast<std::uint64_t>(state) << 60) | (member << 48) | (channel << 32) |
                     sequence);
  }
  std::uint64_t bits_ = 0;
};

static_assert(OwnerWord::putting(0xfff, 0xffff, 0xffffffff).member() == 0xfff);
static_assert(OwnerWord().state() == OwnerState::free, "a zeroed word is a free block");

}  // namespace onecopy::memory
