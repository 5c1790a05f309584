// Onecopy's queues and pipes as links.
#pragma once

#include <onecopy/nd_view.hpp>
#include <onecopy/pipe.hpp>
#include <onecopy/queue.hpp>
#include <onecopy/shared.hpp>

#include <array>
#include <cstdint>
#include <type_traits>

#include "link.hpp"

namespace bench {

template <std::size_t N>
struct Frame {
  std::array<std::byte, N> bytes;
};
using Number = std::uint64_t;
using Block = onecopy::NdView<std::uint8_t, 1>;
using Moved = onecopy::Shared<std::uint64_t>;

// What a program would send: a number, a struct, an array, or memory that stays where it is. The
// array is kept by who sends it: it is copied once.
template <class T>
T make_value(std::size_t bytes) {
  if constexpr (std::is_same_v<T, Block>) {
    return T::zeros({bytes});
  } else if constexpr (std::is_same_v<T, Moved>) {
    return T(bytes / sizeof(std::uint64_t));
  } else {
    return T{};
  }
}
inline Bytes bytes_of(Number& value) { return std::as_writable_bytes(std::span(&value, 1)); }
template <std::size_t N>
Bytes bytes_of(Frame<N>& value) {
  return value.bytes;
}
inline Bytes bytes_of(Block& value) { return std::as_writable_bytes(value.span()); }
inline Bytes bytes_of(Moved& value) { return std::as_writable_bytes(value.span()); }

template <class T>
class QueueLink {
 public:
  explicit QueueLink(const Shape& shape)
      : waiting_(shape.waiting), value_(make_value<T>(shape.bytes)) {}
  void open(Side side, const Cores&) {
    if (side == Side::child) std::swap(out_, in_);
  }
  Bytes message() { return bytes_of(value_); }
  void send() { out_->put(value_); }
  void receive() {
    if (waiting_ == Waiting::spinning) {
      while (in_->empty()) {
      }
    }
    value_ = in_->get();
  }

 private:
  Waiting waiting_;
  onecopy::Queue<T> to_child_;
  onecopy::Queue<T> to_parent_;
  onecopy::Queue<T>* out_ = &to_child_;
  onecopy::Queue<T>* in_ = &to_parent_;
  T value_;
};

template <class T>
class PipeLink {
 public:
  explicit PipeLink(const Shape& shape)
      : waiting_(shape.waiting), value_(make_value<T>(shape.bytes)) {}
  // The other end is closed, so that each side finds out when the other is gone.
  void open(Side side, const Cores&) {
    end_ = side == Side::parent ? &pipe_.first : &pipe_.second;
    (side == Side::parent ? pipe_.second : pipe_.first).close();
  }
  Bytes message() { return bytes_of(value_); }
  void send() { end_->send(value_); }
  void receive() {
    if (waiting_ == Waiting::spinning) {
      for (;;) {
        if (auto value = end_->try_recv(); value || value.error() != onecopy::Error::empty) {
          value_ = std::move(value).value_or_throw();
          return;
        }
      }
    }
    value_ = end_->recv();
  }

 private:
  Waiting waiting_;
  onecopy::Pipe<T> pipe_;
  onecopy::PipeEnd<T>* end_ = nullptr;
  T value_;
};

}  // namespace bench
