// A number that is a message by itself: written and read without an Encoder and a Decoder, which
// would cost as much as all the rest of sending it. The body is the one that they write.
//
// One thread at a time; nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <onecopy/codec.hpp>

namespace onecopy::message {

inline bool is_number(detail::NumberType type) noexcept {
  return type.kind != detail::Number::none;
}

// The body of such a message, in two words that are written whole: what is read again at once in
// other parts than it was written in makes the processor wait.
class NumberBody {
 public:
  // The prefix, that tag, and the lowest `bytes` bytes of what belongs to it.
  void set(std::uint8_t tag, std::uint64_t content, std::size_t bytes) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::span<const std::byte> span() const noexcept { return {bytes_, size_}; }

 private:
  alignas(std::uint64_t) std::byte bytes_[2 * sizeof(std::uint64_t)];
  std::size_t size_ = 0;
};

// Writes the body. False, and nothing is written: the value is no number, or one that an Encoder
// has to write.
bool write_number(NumberBody& body, const detail::ValueWrite& value) noexcept;

// Reads the body of a value without blocks. False, and nothing is read: another value was wanted,
// or the body is something else, of which a Decoder knows what to make.
bool read_number(std::span<const std::byte> body, const detail::ValueRead& value) noexcept;

}  // namespace onecopy::message
