// The Opaque of include/onecopy/opaque.hpp: a pickle, and how it travels on.
#include <onecopy/opaque.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "memory/block.hpp"
#include "memory/reference.hpp"
#include "message/codec_state.hpp"
#include "message/pickle_body.hpp"

namespace onecopy {

// Equation: `parts` are as many as the blocks that the body names, in their order. Of a part that
// is shared this process has one handle; of any other that is not given away, a view.
struct Opaque::State {
  struct Part {
    memory::BlockIndex block;
    memory::SharedName shared;  // without a block: `block` is the message's own
    bool given = false;         // in a message that is being put
  };

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (const Part& part : parts) {
      if (part.shared.block != memory::kNoBlock) {
        memory::let_go_shared(part.shared);
      } else if (!part.given) {
        memory::release_view(part.block);
      }
    }
  }

  // Sets the pieces, or `fault` where the body is not what a pickle's should be.
  bool find_pieces(const message::Blocks& blocks);
  void write(Encoder::State& to, bool giving);

  std::vector<std::byte> body;
  std::vector<Part> parts;
  Failure fault;
  std::span<const std::byte> stream;
  std::vector<Buffer> buffers;
};

Opaque::Opaque() noexcept = default;
Opaque::Opaque(Opaque&&) noexcept = default;
Opaque& Opaque::operator=(Opaque&&) noexcept = default;
Opaque::~Opaque() = default;

std::span<const std::byte> Opaque::pickle() const noexcept {
  return state_ == nullptr ? std::span<const std::byte>() : state_->stream;
}

std::span<const Opaque::Buffer> Opaque::buffers() const noexcept {
  return state_ == nullptr ? std::span<const Buffer>() : state_->buffers;
}

namespace {

constexpr const char* kNotAlone =
    "an Opaque is a whole message of a queue or a pipe: it cannot be sent inside of another value "
    "nor to or from a pool";

// Whether the message, empty or not, may be written here; says why not.
bool may_be_written(Encoder::State& to, bool empty) {
  if (empty) to.fail({Error::invalid, 0, "an Opaque of no message cannot be sent"});
  if (!to.may_be_pickle || to.begun || !to.left.empty()) to.fail({Error::invalid, 0, kNotAlone});
  return to.failure.code == Error::none && to.item();
}

}  // namespace

bool Opaque::State::find_pieces(const message::Blocks& blocks) {
  message::PickleReader reader(body, blocks);
  message::Piece piece;
  std::size_t next_part = 0;
  for (bool first = true; reader.next(piece); first = false) {
    std::span<const std::byte> data(piece.data, piece.length);
    if (piece.block != memory::kNoBlock) {
      const Part& part = parts[next_part++];
      if (piece.shared != (part.shared.block != memory::kNoBlock)) {
        fault = {Error::corrupt, 0, "the message names a block for what it is not"};
        return false;
      }
      if (piece.shared) {
        const std::uint64_t room = memory::block_length(part.shared.block);
        if (piece.offset > room || piece.length > room - piece.offset) {
          fault = {Error::corrupt, 0,
                   "the message names a part of shared memory that it does not have"};
          return false;
        }
        data = {memory::block_data(part.shared.block) + piece.offset, piece.length};
      }
    }
    if (first) {
      stream = data;
    } else {
      buffers.push_back({data, piece.read_only});
    }
  }
  if (reader.finish()) return true;
  fault = reader.failure();
  return false;
}

void Opaque::State::write(Encoder::State& to, bool giving) {
  to.kind = message::Kind::pickle;
  to.buffer.clear();
  to.buffer.append(body.data(), body.size());
  for (Part& part : parts) {
    if (part.shared.block != memory::kNoBlock) {
      const auto reference = memory::make_reference(part.shared);
      if (!reference) return to.fail(reference.failure());
      to.blocks.add(*reference);
      continue;
    }
    if (giving && to.take_gift(part.block)) {
      part.given = true;
      continue;
    }
    auto copied = copy_into_block(to.blocks, memory::block_data(part.block),
                                  memory::block_length(part.block));
    if (!copied) return to.fail(std::move(copied).failure());
  }
}

void Encoder::opaque(const Opaque& message) {
  if (may_be_written(state_, message.empty())) message.state_->write(state_, false);
}

void Encoder::give(Opaque& message) {
  if (!may_be_written(state_, message.empty())) return;
  state_.add_giver(&message, [](void* giver, bool delivered) noexcept {
    Opaque& given = *static_cast<Opaque*>(giver);
    if (delivered) {
      given.state_ = nullptr;
    } else {
      for (Opaque::State::Part& part : given.state_->parts) part.given = false;
    }
  });
  message.state_->write(state_, true);
}

void Decoder::opaque(Opaque& message) {
  if (state_.kind() != message::Kind::pickle) {
    if (state_.peek() != nullptr) state_.fail_wanted("what only Python's pickle can read");
    return;
  }
  if (state_.failed()) return;
  auto read = detail::make_unique_pointer<Opaque::State>();
  const std::span<const std::byte> body = state_.take_body();
  read->body.assign(body.begin(), body.end());
  read->parts.reserve(state_.blocks().indices.size());
  for (const memory::BlockIndex block : state_.blocks().indices) {
    if (const memory::SharedName name = state_.blocks().named(block);
        name.block != memory::kNoBlock) {
      // The message holds the memory until it has been read, and the handle from then on.
      if (auto held = memory::hold_shared(name); !held) {
        return state_.fail(std::move(held).failure());
      }
      read->parts.push_back({block, name});
    } else if (state_.blocks().keep(block)) {
      read->parts.push_back({block, {}});
    } else {
      return state_.fail({Error::invalid, 0, "the blocks of the message cannot be kept"});
    }
  }
  if (!read->find_pieces(state_.blocks())) return state_.fail(read->fault);
  message.state_ = std::move(read);
}

}  // namespace onecopy
