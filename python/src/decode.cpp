#include "decode.hpp"

#include "buffer.hpp"
#include "bulk_memory.hpp"
#include "errors.hpp"
#include "memory/reference.hpp"
#include "message/pickle_body.hpp"
#include "pickler.hpp"
#include "shared_buffer.hpp"
#include "taken_blocks.hpp"
#include "trace/trace.hpp"
#include "value_decoder.hpp"

namespace onecopy::python {
namespace {

using message::Kind;
using message::Piece;

message::Blocks blocks_of(const TakenBlocks& taken) { return {.indices = taken.all()}; }

PyObject* bytes_of(const std::byte* data, std::size_t length) {
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(data),
                                   static_cast<Py_ssize_t>(length));
}

// A piece as an object with the buffer protocol, which keeps what it needs to be read.
PyObject* object_of(const Piece& piece, TakenBlocks& taken) {
  if (piece.shared) {
    const auto name = memory::take_reference(taken.take());
    if (!name) return raise(name.failure());
    return make_shared_buffer(*name, piece.offset, piece.length, piece.read_only);
  }
  if (piece.block == memory::kNoBlock || piece.length < kSmallestView) {
    const BlockInUse in_use(piece.block == memory::kNoBlock ? memory::kNoBlock : taken.take());
    if (piece.read_only) return bytes_of(piece.data, piece.length);
    return PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(piece.data),
                                         static_cast<Py_ssize_t>(piece.length));
  }
  return make_buffer(taken.take(), piece.offset, piece.length, piece.read_only);
}

PyObject* decode_pickle(std::span<const std::byte> body, TakenBlocks& taken) {
  message::PickleReader reader(body, blocks_of(taken));
  Piece piece;
  if (!reader.next(piece)) return raise(reader.failure());
  piece.read_only = true;
  const Reference stream(object_of(piece, taken));
  if (!stream) return nullptr;
  const BulkMemory bulk(piece.length);
  Reference buffers;
  if (reader.pieces_left() != 0) {
    buffers = Reference(PyList_New(0));
    if (!buffers) return nullptr;
  }
  while (reader.next(piece)) {
    const Reference buffer(object_of(piece, taken));
    if (!buffer || PyList_Append(buffers.get(), buffer.get()) != 0) return nullptr;
  }
  if (!reader.finish()) return raise(reader.failure());
  return unpickle(stream.get(), buffers.get());
}

PyObject* decode_value(std::span<const std::byte> body, TakenBlocks& taken) {
  const BulkMemory bulk(body.size());
  message::ValueReader reader(body, blocks_of(taken));
  return ValueDecoder(reader, taken).read(body.size());
}

// A raw message's bytes lie in its body, or, where they are many, in its only block.
PyObject* raw_object(std::span<const std::byte> body, TakenBlocks& taken) {
  if (taken.all().empty()) return bytes_of(body.data(), body.size());
  const memory::BlockIndex block = taken.take();
  return make_buffer(block, 0, memory::block_length(block), true);
}

PyObject* raise_unknown_kind(Kind kind) {
  return raise(
      {Error::corrupt, 0, "a message of unknown kind " + std::to_string(static_cast<int>(kind))});
}

}  // namespace

PyObject* decode(channel::Incoming& message) {
  // Numbers and their like are not worth looking at the clock for.
  constexpr std::size_t kShort = 32;
  TakenBlocks taken(std::move(message.blocks));
  if (message.kind == Kind::value && message.body.size() < kShort && taken.is_empty()) {
    return decode_value(message.body, taken);
  }
  const trace::Span span(trace::Counter::rebuild_time);
  switch (message.kind) {
    case Kind::value:
      return decode_value(message.body, taken);
    case Kind::pickle:
      return decode_pickle(message.body, taken);
    case Kind::raw: {
      const Reference stream(raw_object(message.body, taken));
      return stream ? unpickle(stream.get(), nullptr) : nullptr;
    }
  }
  return raise_unknown_kind(message.kind);
}

MessageBytes::MessageBytes(channel::Incoming& message) : taken_({}) {
  if (message.kind != Kind::raw) {
    const Reference object(decode(message));
    if (object) pickled_ = Reference(pickle_to_bytes(object.get()));
    if (!pickled_) return;
    bytes_ = {reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(pickled_.get())),
              static_cast<std::size_t>(PyBytes_GET_SIZE(pickled_.get()))};
  } else if (message.blocks.empty()) {
    bytes_ = message.body;
  } else {
    taken_ = TakenBlocks(std::move(message.blocks));
    const memory::BlockIndex block = taken_.all()[0];
    bytes_ = {memory::block_data(block), memory::block_length(block)};
  }
  valid_ = true;
}

PyObject* MessageBytes::to_object() const {
  if (pickled_) return new_reference(pickled_.get());
  return bytes_of(bytes_.data(), bytes_.size());
}

}  // namespace onecopy::python
