#include "encode.hpp"

#include <vector>

#include "buffer.hpp"
#include "message/pickle_body.hpp"
#include "pickler.hpp"
#include "shared_buffer.hpp"
#include "trace/trace.hpp"
#include "value_encoder.hpp"

namespace onecopy::python {
namespace {

// Never destroyed: messages are sent while the interpreter shuts down.
std::vector<std::unique_ptr<OutgoingMessage>>& idle_messages() {
  static auto& idle = *new std::vector<std::unique_ptr<OutgoingMessage>>;
  return idle;
}

constexpr std::size_t kMostIdle = 4;

std::span<const std::byte> bytes_of(PyObject* bytes) noexcept {
  return {reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(bytes)),
          static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

bool encode_pickle(PyObject* object, OutgoingMessage& message) {
  Pickled pickled;
  if (!pickle(object, pickled)) return false;
  message.cargo.add(pickled.withdrawals);
  trace::add(trace::Counter::pickled, 1);
  message.kind = message::Kind::pickle;
  message::PickleWriter writer(message.body, 1 + pickled.buffers.size());
  const auto stream = bytes_of(pickled.stream.get());
  if (stream.size() < message::kBlockThreshold) {
    writer.inline_piece(stream);
  } else {
    const std::uint32_t block =
        message.cargo.plan_copy(pickled.stream.get(), stream.data(), stream.size());
    writer.block_piece(block, stream.size());
  }
  for (const Reference& buffer : pickled.buffers) {
    // The view is the PickleBuffer's; it stands while the cargo keeps that object.
    const Py_buffer* view = PyPickleBuffer_GetBuffer(buffer.get());
    if (view == nullptr) return false;
    const auto length = static_cast<std::size_t>(view->len);
    if (const auto shared = shared_memory_of(*view); shared.block != memory::kNoBlock) {
      const std::uint32_t reference = message.cargo.plan_reference(buffer.get(), shared);
      const auto offset =
          static_cast<const std::byte*>(view->buf) - memory::block_data(shared.block);
      writer.shared_piece(reference, length, view->readonly != 0,
                          static_cast<std::uint64_t>(offset));
      continue;
    }
    Buffer* staged = as_staged(view->obj);
    const memory::BlockIndex ready = staged != nullptr ? take_staged(staged) : memory::kNoBlock;
    const std::uint32_t block = ready != memory::kNoBlock
                                    ? message.cargo.add(ready)
                                    : message.cargo.plan_copy(buffer.get(), view->buf, length);
    writer.block_piece(block, length, view->readonly != 0);
  }
  return true;
}

bool load(OutgoingMessage& message) {
  if (message.body.failed()) {
    PyErr_NoMemory();
    return false;
  }
  return message.cargo.load();
}

}  // namespace

void OutgoingMessage::clear() noexcept {
  body.clear();
  cargo.clear();
  identities.clear();
}

MessageLease::MessageLease() {
  auto& idle = idle_messages();
  if (idle.empty()) {
    message_ = std::make_unique<OutgoingMessage>();
  } else {
    message_ = std::move(idle.back());
    idle.pop_back();
  }
}

MessageLease::~MessageLease() {
  message_->clear();
  auto& idle = idle_messages();
  if (idle.capacity() == 0) idle.reserve(kMostIdle);
  if (idle.size() < kMostIdle) idle.push_back(std::move(message_));
}

bool encode(PyObject* object, bool temporary, OutgoingMessage& message) {
  // Numbers are not worth looking at the clock for.
  if (PyLong_CheckExact(object) || PyFloat_CheckExact(object) || object == Py_None) {
    message.kind = message::Kind::value;
    return ValueEncoder(message).write(object, false) == Fit::yes && load(message);
  }
  {
    const trace::Span span(trace::Counter::serialise_time);
    message.kind = message::Kind::value;
    const Fit fit = ValueEncoder(message).write(object, temporary);
    if (fit == Fit::error) return false;
    if (fit == Fit::no) {
      message.clear();
      if (!encode_pickle(object, message)) return false;
    }
  }
  return load(message);
}

bool encode_raw(PyObject* keeper, std::span<const std::byte> bytes, OutgoingMessage& message) {
  message.kind = message::Kind::raw;
  if (bytes.size() <= channel::kInlineBody) {
    message.body.append(bytes.data(), bytes.size());
  } else {
    message.cargo.plan_copy(keeper, bytes.data(), bytes.size());
  }
  return load(message);
}

}  // namespace onecopy::python
