// A link: two processes and what messages go over between them, both ways.
//
// It is made before the fork; each side then opens its own copy. After that:
//
//   Bytes message();        what send() sends; after receive(), what came
//   void send();
//   void receive();
//
// A message need not outlive its sending: who sends again writes it anew.
#pragma once

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "content.hpp"
#include "cores.hpp"

namespace bench {

// How a link is to be made, and how a receiver waits: `spinning` asks again and again, and never
// lets the kernel put it to sleep; `blocking` is what the link does by itself.
enum class Waiting : std::uint8_t { spinning, blocking };

struct Shape {
  std::size_t bytes;  // of each message
  std::size_t depth;  // messages under way that it should have room for, if it has to know
  Waiting waiting;
};

// Why there can be no such link: it is told, and the others are measured.
struct Unfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class L>
concept Link =
    std::constructible_from<L, const Shape&> && requires(L link, Side side, const Cores& cores) {
      link.open(side, cores);
      { link.message() } -> std::same_as<Bytes>;
      link.send();
      link.receive();
    };

// For links that know no other buffer.
class Buffered {
 public:
  explicit Buffered(std::size_t bytes) : buffer_(bytes) {}
  Bytes message() { return buffer_; }

 protected:
  std::vector<std::byte> buffer_;
};

}  // namespace bench
