// A message as a Python object: the way back of encode.hpp.
//
// Arrays and pickle buffers of at least kSmallestView bytes look into the blocks they came in;
// smaller ones are copied into ordinary memory and their blocks are free at once. Whatever the
// bytes of the message are, the answer is an object or an exception.
#pragma once

#include <span>

#include "channel/channel.hpp"
#include "message/envelope.hpp"
#include "python.hpp"
#include "taken_blocks.hpp"

namespace onecopy::python {

inline constexpr std::size_t kSmallestView = 64 * 1024;

// The object that was sent; of a raw message, the object pickled in it. The message is empty
// afterwards. Null with an exception set. May throw std::bad_alloc.
PyObject* decode(channel::Incoming& message);

// The bytes of a raw message where they lie; of any other, the object that was sent, pickled. They
// stand as long as this and the message do.
class MessageBytes {
 public:
  explicit MessageBytes(channel::Incoming& message);

  // False: an exception is set, and there are no bytes.
  bool valid() const noexcept { return valid_; }
  std::span<const std::byte> span() const noexcept { return bytes_; }
  PyObject* to_object() const;

 private:
  bool valid_ = false;
  std::span<const std::byte> bytes_;
  TakenBlocks taken_;
  Reference pickled_;
};

}  // namespace onecopy::python
