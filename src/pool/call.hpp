// What stands behind the arguments in the message of a task of C++: which function is to be called,
// and the bytes of what it has captured (include/onecopy/task.hpp). And what an answer is that has
// no result.
//
// Any thread; nothing here is shared. The addresses mean something to processes only that were
// forked from one with this code.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <onecopy/codec.hpp>
#include <onecopy/future.hpp>
#include <onecopy/task.hpp>

#include "channel/channel.hpp"
#include "message/byte_buffer.hpp"

namespace onecopy::pool {

struct Callee {
  detail::Invoker invoker;
  std::span<const std::byte> captured;  // lies in the message
};

// Appended to a body that is complete.
void append_callee(message::ByteBuffer& body, const detail::Callable& callable) noexcept;
// Takes it off again; nothing where there is none.
std::optional<Callee> cut_off_callee(channel::Incoming& task) noexcept;

// Of the exception that is being handled.
detail::TaskFailure failure_of_exception();

}  // namespace onecopy::pool

namespace onecopy {

// As a worker tells it: without what only the parent knows.
template <>
struct Codec<detail::TaskFailure> {
  static void write(Encoder& to, const detail::TaskFailure& failure);
  static void read(Decoder& from, detail::TaskFailure& failure);
};

}  // namespace onecopy
