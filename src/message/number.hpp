// A number that is a message by itself: written and read without an Encoder and a Decoder, which
// would cost as much as all the rest of sending it. The body is the one that they write.
//
// One thread at a time; nothing is shared.
#pragma once

#include <cstddef>
#include <span>

#include <onecopy/codec.hpp>

#include "message/byte_buffer.hpp"

namespace onecopy::message {

inline bool is_number(detail::NumberType type) noexcept {
  return type.kind != detail::Number::none;
}

// Writes the body into the buffer, which is empty. False, and nothing is written: the value is no
// number, or one that an Encoder has to write.
bool write_number(ByteBuffer& body, detail::ValueWrite value) noexcept;

// Reads the body of a value without blocks. False, and nothing is read: another value was wanted,
// or the body is something else, of which a Decoder knows what to make.
bool read_number(std::span<const std::byte> body, detail::ValueRead value) noexcept;

}  // namespace onecopy::message
