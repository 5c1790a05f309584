// The latest message once more, where it is small: beside the word that publishes it. A getter who
// watched that word has the message with it, and no other cache line changes hands.
//
// Written with the lock for putting held, read with the one for getting. A death while writing
// leaves what nobody takes for a message: it is one only once `published` says so, and by then it
// was written whole.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "channel/record.hpp"

namespace onecopy::channel {

inline constexpr std::size_t kSmallBody = (kLatestWords - 2) * sizeof(std::uint64_t);

// The head of a record without blocks, by words: what is written in parts and read whole makes the
// processor wait.
struct SmallHead {
  std::uint64_t words[2];

  static constexpr SmallHead of(std::uint8_t kind, std::uint32_t body_bytes, std::uint32_t weight) {
    const auto units =
        static_cast<std::uint32_t>((sizeof(RecordHead) + round_to_unit(body_bytes)) / kUnit);
    return {{units | std::uint64_t{kind} << 48, body_bytes | std::uint64_t{weight} << 32}};
  }

  constexpr std::uint32_t units() const { return static_cast<std::uint32_t>(words[0]); }
  constexpr bool has_blocks() const { return (words[0] >> 32 & 0xffff) != 0; }
  constexpr std::uint8_t kind() const { return static_cast<std::uint8_t>(words[0] >> 48); }
  constexpr std::uint32_t body_bytes() const { return static_cast<std::uint32_t>(words[1]); }
  constexpr std::uint32_t weight() const { return static_cast<std::uint32_t>(words[1] >> 32); }
};
static_assert(std::bit_cast<RecordHead>(SmallHead::of(7, 11, 5)) == RecordHead{2, 0, 7, 0, 11, 5});

// Eight bytes, or those that there are and zeros; the same care as above.
inline std::uint64_t load_word(const std::byte* from, std::size_t bytes) noexcept {
  std::uint64_t word = 0;
  if (bytes >= sizeof word) {
    std::memcpy(&word, from, sizeof word);
    return word;
  }
  unsigned bits = 0;
  const auto append = [&]<class Part>(Part part) {
    if ((bytes & sizeof part) == 0) return;
    std::memcpy(&part, from, sizeof part);
    from += sizeof part;
    word |= std::uint64_t{part} << bits;
    bits += 8 * sizeof part;
  };
  append(std::uint32_t{});
  append(std::uint16_t{});
  append(std::uint8_t{});
  return word;
}

// With the lock for putting held, before the message after `published` is published: writes its
// record to its place in the segment, and beside the word that is to publish it.
inline void write_small(ChannelRecord& record, Progress published, SmallHead head,
                        std::span<const std::byte> body, std::byte* place) noexcept {
  // Ahead of whatever is published before this is written again: nobody takes what follows for a
  // message. The words below are released after it.
  record.latest.store(published.count + 2, std::memory_order_relaxed);
  const auto write = [&](std::size_t i, std::uint64_t word) {
    std::memcpy(place + i * sizeof word, &word, sizeof word);
    // Release: who reads it finds, in read_latest(), that `latest` has changed.
    record.latest_words[i].store(word, std::memory_order_release);
  };
  write(0, head.words[0]);
  write(1, head.words[1]);
  const std::byte* from = body.data();
  std::size_t left = body.size();
  const std::size_t words = head.units() * (kUnit / sizeof head.words[0]);
  for (std::size_t i = 2; i < words; ++i) {
    write(i, load_word(from, left));
    const std::size_t taken = std::min(left, sizeof head.words[0]);
    from += taken;
    left -= taken;
  }
  // Release: pairs with the acquire in read_latest(); the words are there.
  record.latest.store(published.count + 1, std::memory_order_release);
}

// The same where the message is not small: nobody takes what stands there for it.
inline void clear_latest(ChannelRecord& record, Progress published) noexcept {
  record.latest.store(published.count + 2, std::memory_order_relaxed);
}

// Whether the message published last is there; old at once.
inline bool has_latest(const ChannelRecord& record) noexcept {
  return record.latest.load(std::memory_order_relaxed) == load(record.published).count;
}

// With the lock for getting held: the message after `taken`, if it is the only one that waits, is
// small, and lies right behind the one before it, in the same segment. False: it is to be looked
// for in its segment. `body` has room for kSmallBody bytes, and may be written to in any case.
inline bool read_latest(const ChannelRecord& record, Progress taken, Progress published,
                        SmallHead& head, std::byte* body) noexcept {
  // Acquire: pairs with write_small().
  if (taken.count + 1 != published.count ||
      record.latest.load(std::memory_order_acquire) != published.count) {
    return false;
  }
  // Acquire: a word of a later message brings with it that `latest` has changed.
  const auto read = [&](std::size_t i) {
    return record.latest_words[i].load(std::memory_order_acquire);
  };
  head = {{read(0), read(1)}};
  for (std::size_t i = 2; i < kLatestWords; ++i, body += sizeof(std::uint64_t)) {
    const std::uint64_t word = read(i);
    std::memcpy(body, &word, sizeof word);
  }
  return record.latest.load(std::memory_order_relaxed) == published.count && !head.has_blocks() &&
         head.body_bytes() <= kSmallBody && published.position - head.units() == taken.position;
}

}  // namespace onecopy::channel
