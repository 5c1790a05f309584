/// \file
/// What only Python's pickle can read, as it came, to be handed on.
///
///     onecopy::Queue<onecopy::Opaque> in, out;
///     out.put(std::move(in.get()));  // a Python process gets from `out` what was put into `in`
///
/// Python sends None, bool, int, float, complex, str, bytes, lists, tuples and dicts of them, and
/// NumPy arrays of numbers as values, which C++ reads (onecopy/codec.hpp). With anything else
/// anywhere in it, an object of some class, a set, an array in another byte order, the whole
/// message is a pickle. To read one as anything but an Opaque, or an Object (onecopy/object.hpp)
/// that holds one, is Error::invalid. Read as an Opaque, a value is Error::invalid, too.
///
/// An Opaque is a whole message: it goes through queues and pipes alone, not inside of another
/// value and not to a Pool. It keeps the memory that the message came in until it is dropped or
/// sent on. Moved into put(), that memory goes on as it is; else put() copies it. One thread at a
/// time may use one. A process that dies gives back what it had, as of any message.
#pragma once

#include <cstddef>
#include <span>

#include <onecopy/codec.hpp>
#include <onecopy/encoding.hpp>
#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// A whole message that only Python's pickle can read. The head of opaque.hpp says where it may go,
/// who may use it and what a death leaves.
class Opaque {
 public:
  /// Of no message: it cannot be sent.
  Opaque() noexcept;
  /// The other is of no message.
  Opaque(Opaque&&) noexcept;
  /// Gives its memory back; then as the constructor.
  Opaque& operator=(Opaque&&) noexcept;
  /// Gives its memory back.
  ~Opaque();

  /// Whether it is of no message.
  bool empty() const noexcept { return state_ == nullptr; }

  /// The stream, in pickle's protocol 5.
  std::span<const std::byte> pickle() const noexcept;
  /// A part that lies beside the stream.
  struct Buffer {
    std::span<const std::byte> data;  ///< its bytes, in the memory that they came in
    bool read_only;                   ///< whether the sender's could not be written to
  };
  /// What pickle.loads() wants as its `buffers`, in their order.
  std::span<const Buffer> buffers() const noexcept;

 private:
  friend Encoder;
  friend Decoder;
  struct State;
  detail::UniquePointer<State> state_;
};

template <>
struct Codec<Opaque> {
  static void write(Encoder& to, const Opaque& message) { to.opaque(message); }
  static void give(Encoder& to, Opaque& message) { to.give(message); }
  static void read(Decoder& from, Opaque& message) { from.opaque(message); }
};

}  // namespace onecopy
