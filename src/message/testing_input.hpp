// One input of the fuzzer: which reader is to read, how long the blocks are, and the body. Shared
// by the fuzzer itself and by the tests that need no clang.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <onecopy/object.hpp>

#include "message/codec_state.hpp"
#include "message/pickle_body.hpp"
#include "message/testing.hpp"

namespace onecopy::message::testing {

struct Input {
  enum Reader : std::uint8_t { value, pickle, doubles, strings, nested, object, arrays, opaque };
  static constexpr unsigned kReaders = opaque + 1;
  Reader reader = value;
  std::vector<std::size_t> blocks;
  Bytes body;

  // Any bytes are an input.
  static Input parse(std::span<const std::byte> data) {
    Input input;
    std::size_t at = 0;
    const auto take = [&] { return at < data.size() ? static_cast<unsigned>(data[at++]) : 0u; };
    input.reader = static_cast<Reader>(take() % kReaders);
    for (unsigned count = take() % 8; count > 0; --count) {
      const unsigned low = take();
      input.blocks.push_back(low | (take() % 16) << 8);
    }
    input.body.assign(data.begin() + static_cast<std::ptrdiff_t>(at), data.end());
    return input;
  }

  Bytes bytes() const {
    Bytes all{std::byte{reader}, static_cast<std::byte>(blocks.size())};
    for (const std::size_t length : blocks) {
      all.push_back(static_cast<std::byte>(length & 0xff));
      all.push_back(static_cast<std::byte>(length >> 8));
    }
    all.insert(all.end(), body.begin(), body.end());
    return all;
  }
};

inline void read_pickle(std::span<const std::byte> body, const Blocks& blocks) {
  PickleReader reader(body, blocks);
  require(reader.pieces_left() <= body.size());
  Piece piece;
  std::uint64_t sum = 0;
  while (reader.next(piece)) {
    for (std::uint64_t i = 0; i < piece.length && !piece.shared; ++i)
      sum += static_cast<std::uint8_t>(piece.data[i]);
  }
  require(sum <= 255 * (body.size() + 8 * 4096));
  reader.finish();
}

template <class T>
void decode(std::span<const std::byte> body, const Blocks& blocks, Kind kind = Kind::value) {
  T value{};
  Decoder::State state(body, blocks, kind);
  const Result<void> decoded = state.decode(detail::read_of(value));
  require(decoded || !decoded.failure().message.empty());
}

// Whatever the input is, the readers answer with a value or a fault, and touch nothing that is not
// theirs.
inline void read_input(const Input& input) {
  // As long as it says, so that AddressSanitizer sees a reader that goes too far.
  const auto body = std::make_unique<std::byte[]>(input.body.size());
  std::copy(input.body.begin(), input.body.end(), body.get());
  const std::span<const std::byte> span(body.get(), input.body.size());
  const FakeBlocks fake(input.blocks);
  switch (input.reader) {
    case Input::value: {
      Node node;
      read_body(span, fake.blocks(), node);
      break;
    }
    case Input::pickle:
      read_pickle(span, fake.blocks());
      break;
    case Input::doubles:
      decode<std::vector<double>>(span, fake.blocks());
      break;
    case Input::strings:
      decode<std::map<std::string, std::optional<std::int32_t>>>(span, fake.blocks());
      break;
    case Input::nested:
      decode<std::vector<std::tuple<std::vector<double>, std::string, std::vector<std::byte>>>>(
          span, fake.blocks());
      break;
    case Input::object:
      decode<Object>(span, fake.blocks());
      break;
    case Input::arrays:
      decode<std::vector<std::variant<NdView<double, 2>, NdView<const bool>, NdArray>>>(
          span, fake.blocks());
      break;
    case Input::opaque:
      decode<Opaque>(span, fake.blocks(), Kind::pickle);
      break;
  }
}

}  // namespace onecopy::message::testing
