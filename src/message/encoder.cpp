#include <limits>
#include <new>

#include "message/codec_state.hpp"
#include "message/utf8.hpp"

namespace onecopy {

using message::kBlockThreshold;
using message::ValueWriter;

namespace detail {

Failure wrong_count(std::size_t wanted, std::size_t found) {
  return {Error::invalid, 0,
          "a sequence of " + std::to_string(wanted) + " was wanted, and the message has one of " +
              std::to_string(found)};
}

}  // namespace detail

Result<void> Encoder::State::encode(const detail::ValueWrite& value) {
  try {
    Encoder encoder(*this);
    value.write(encoder, value.value);
  } catch (const std::bad_alloc&) {
    fail({Error::no_memory, 0, "there is no memory to write the message"});
  }
  if (failure.code == Error::none && buffer.failed()) {
    fail({Error::no_memory, 0, "there is no memory to write the message"});
  }
  if (failure.code == Error::none && (!begun || !left.empty())) {
    fail({Error::invalid, 0, "a Codec wrote less than one whole value"});
  }
  if (failure.code != Error::none) return failure;
  return {};
}

std::optional<std::uint32_t> Encoder::State::take_gift(memory::BlockIndex block) {
  // Nothing may throw once the giver has parted with it.
  if (gifts_.size() == gifts_.capacity()) gifts_.reserve(2 * gifts_.size() + 4);
  blocks.reserve();
  if (!memory::surrender_view(block)) return std::nullopt;
  gifts_.push_back(blocks.add(block));
  return gifts_.back();
}

void Encoder::State::settle(bool delivered) noexcept {
  if (!delivered) {
    for (const std::uint32_t number : gifts_) memory::retain_view(blocks.take_back(number));
  }
  for (const Giver& giver : givers_) giver.settle(giver.giver, delivered);
  gifts_.clear();
  givers_.clear();
}

bool Encoder::State::item() {
  if (failure.code != Error::none) return false;
  if (left.empty() ? begun : left.back() == 0) {
    fail({Error::invalid, 0, "a Codec wrote more values than it had announced"});
    return false;
  }
  if (left.empty()) {
    begun = true;
  } else {
    --left.back();
  }
  return true;
}

void Encoder::State::fail(Failure reason) {
  if (failure.code == Error::none) failure = std::move(reason);
}

void Encoder::State::open(void (ValueWriter::*open_tag)(std::uint64_t, bool) noexcept,
                          std::uint64_t count, std::uint64_t items) {
  if (!item()) return;
  if (writer.depth() == message::kMaximumDepth) {
    return fail({Error::invalid, 0,
                 "a value is nested deeper than " + std::to_string(message::kMaximumDepth)});
  }
  (writer.*open_tag)(count, false);
  left.push_back(items);
}

void Encoder::none() {
  if (state_.item()) state_.writer.none();
}

void Encoder::boolean(bool value) {
  if (state_.item()) state_.writer.boolean(value);
}

void Encoder::integer(std::int64_t value) {
  if (state_.item()) state_.writer.integer(value);
}

void Encoder::unsigned_integer(std::uint64_t value) {
  if (!state_.item()) return;
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    state_.writer.integer(static_cast<std::int64_t>(value));
  } else {
    std::byte digits[9] = {};
    std::memcpy(digits, &value, sizeof value);
    state_.writer.big_integer(digits);
  }
}

void Encoder::big_integer(std::span<const std::byte> digits) {
  if (state_.item()) state_.writer.big_integer(digits);
}

void Encoder::real(double value) {
  if (state_.item()) state_.writer.real(value);
}

void Encoder::complex(double real, double imaginary) {
  if (state_.item()) state_.writer.complex(real, imaginary);
}

void Encoder::string(std::string_view text) {
  if (!message::is_utf8(text)) return bytes(std::as_bytes(std::span(text)));
  if (!state_.item()) return;
  if (text.size() < kBlockThreshold) return state_.writer.string(text);
  Result<std::uint32_t> block = copy_into_block(state_.blocks, text.data(), text.size());
  if (!block) return state_.fail(std::move(block).failure());
  state_.writer.string_in_block(*block, text.size());
}

void Encoder::bytes(std::span<const std::byte> data) {
  if (!state_.item()) return;
  if (data.size() < kBlockThreshold) return state_.writer.bytes(data);
  Result<std::uint32_t> block = copy_into_block(state_.blocks, data.data(), data.size());
  if (!block) return state_.fail(std::move(block).failure());
  state_.writer.bytes_in_block(*block, data.size());
}

void Encoder::array(ElementType type, const void* data, std::size_t count, bool single) {
  if (!state_.item()) return;
  const std::uint64_t shape[1] = {count};
  message::ArrayHead head{.type = type, .shape = shape};
  if (single) head.shape = {};
  const std::size_t length = count * message::item_size(type);
  if (length < kBlockThreshold) {
    std::byte* place = state_.writer.array_inline(head, length);
    if (place != nullptr && length != 0) std::memcpy(place, data, length);
    return;
  }
  Result<std::uint32_t> block = copy_into_block(state_.blocks, data, length);
  if (!block) return state_.fail(std::move(block).failure());
  state_.writer.array_in_block(head, *block);
}

void Encoder::record(std::uint64_t type_hash, std::size_t size_of_one, std::size_t count,
                     const void* data) {
  if (!state_.item()) return;
  const std::size_t length = size_of_one * count;
  if (length < kBlockThreshold) return state_.writer.record(type_hash, size_of_one, count, data);
  Result<std::uint32_t> block = copy_into_block(state_.blocks, data, length);
  if (!block) return state_.fail(std::move(block).failure());
  state_.writer.record_in_block(type_hash, size_of_one, count, *block);
}

void Encoder::open_list(std::size_t count) { state_.open(&ValueWriter::open_list, count, count); }

void Encoder::open_tuple(std::size_t count) { state_.open(&ValueWriter::open_tuple, count, count); }

void Encoder::open_dict(std::size_t count) {
  state_.open(&ValueWriter::open_dict, count, 2 * count);
}

void Encoder::close() {
  if (state_.failure.code != Error::none) return;
  if (state_.left.empty() || state_.left.back() != 0) {
    return state_.fail({Error::invalid, 0, "a Codec wrote fewer values than it had announced"});
  }
  state_.left.pop_back();
  state_.writer.close();
}

void Encoder::fail(Failure failure) { state_.fail(std::move(failure)); }

bool Encoder::failed() const { return state_.failure.code != Error::none; }

}  // namespace onecopy
