// A Python object as a message: the fast path for what the value format knows, pickle for all else.
//
// The fast path takes exactly None, bool, int, float, complex, str, bytes, list, tuple, dict and
// numpy.ndarray of numbers, nested up to the format's depth. One object anywhere in the message
// that is something else (a subclass too) sends the whole message through pickle. What the receiver
// gets is the same either way, shared references within the message included.
#pragma once

#include <memory>
#include <span>

#include "cargo.hpp"
#include "channel/channel.hpp"
#include "identity_table.hpp"
#include "message/byte_buffer.hpp"
#include "message/envelope.hpp"
#include "python.hpp"

namespace onecopy::python {

// A message under way. The parts are kept and used again; see MessageLease.
struct OutgoingMessage {
  message::Kind kind = message::Kind::value;
  message::ByteBuffer body;
  Cargo cargo;
  IdentityTable identities;

  channel::Outgoing outgoing() const noexcept { return {kind, body.span(), cargo.blocks()}; }
  void clear() noexcept;
};

// A message taken from the idle ones for the time of one call. Pickling runs any code, which may
// put messages of its own, so there may be several.
class MessageLease {
 public:
  MessageLease();
  ~MessageLease();
  MessageLease(const MessageLease&) = delete;
  MessageLease& operator=(const MessageLease&) = delete;

  OutgoingMessage& operator*() const noexcept { return *message_; }
  OutgoingMessage* operator->() const noexcept { return message_.get(); }

 private:
  std::unique_ptr<OutgoingMessage> message_;
};

// Writes `object` into the (clear) message. `temporary`: nobody will look at the object again, so
// arrays in it may be handed on instead of copied. False with an exception set. May throw
// std::bad_alloc.
bool encode(PyObject* object, bool temporary, OutgoingMessage& message);

// Makes a message of kind raw. `keeper` keeps the bytes in place.
bool encode_raw(PyObject* keeper, std::span<const std::byte> bytes, OutgoingMessage& message);

}  // namespace onecopy::python
