// What lies in a message, so that its receiver knows it for the right one.
//
// The first and the last 8 bytes are the message's number and flags, written and compared for every
// message. The bytes between are a pattern of the number, written and compared for a message that
// says `whole`, which is never a timed one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

namespace bench {

using Bytes = std::span<std::byte>;

struct Mark {
  std::uint64_t number = 0;
  bool last = false;   // of this round
  bool whole = false;  // every byte is to be compared
};

inline constexpr std::uint64_t kLast = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kWhole = std::uint64_t{1} << 62;

inline std::uint64_t word_of(Mark mark) {
  return mark.number | (mark.last ? kLast : 0) | (mark.whole ? kWhole : 0);
}

inline Mark mark_of(std::uint64_t word) {
  return {word & ~(kLast | kWhole), (word & kLast) != 0, (word & kWhole) != 0};
}

inline std::uint64_t word_at(Bytes message, std::size_t offset) {
  std::uint64_t word;
  std::memcpy(&word, message.data() + offset, sizeof word);
  return word;
}

inline void write_pattern(Bytes message, std::uint64_t word) {
  for (std::size_t at = 8; at + 16 <= message.size(); at += 8) {
    const std::uint64_t value = (word + at) * 0x9e3779b97f4a7c15u;
    std::memcpy(message.data() + at, &value, sizeof value);
  }
}

inline void write_mark(Bytes message, Mark mark) {
  const std::uint64_t word = word_of(mark);
  if (mark.whole) write_pattern(message, word);
  std::memcpy(message.data(), &word, sizeof word);
  std::memcpy(message.data() + message.size() - 8, &word, sizeof word);
}

// Throws where the message is not one of so many bytes, or not whole.
inline Mark read_mark(Bytes message, std::size_t bytes) {
  if (message.size() != bytes) {
    throw std::runtime_error("a message of " + std::to_string(message.size()) +
                             " bytes came, not " + std::to_string(bytes));
  }
  const std::uint64_t word = word_at(message, 0);
  if (word_at(message, bytes - 8) != word) throw std::runtime_error("a message came in two parts");
  const Mark mark = mark_of(word);
  if (!mark.whole) return mark;
  for (std::size_t at = 8; at + 16 <= bytes; at += 8) {
    if (word_at(message, at) != (word + at) * 0x9e3779b97f4a7c15u) {
      throw std::runtime_error("a message came with other bytes than were sent");
    }
  }
  return mark;
}

inline void expect(Mark mark, std::uint64_t number) {
  if (mark.number != number) {
    throw std::runtime_error("message " + std::to_string(mark.number) + " came, not " +
                             std::to_string(number));
  }
}

}  // namespace bench
