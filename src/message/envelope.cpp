#include "message/envelope.hpp"

#include <cstring>

namespace onecopy::message {

std::string describe(Fault fault, std::uint8_t found_version) {
  switch (fault) {
    case Fault::none:
      return "the message is sound";
    case Fault::version:
      return "the message was written in format version " + std::to_string(found_version) +
             ", and this process reads version " + std::to_string(kFormatVersion);
    case Fault::truncated:
      return "the message ends before its value does";
    case Fault::trailing:
      return "the message goes on after its value";
    case Fault::unknown_tag:
      return "the message has a tag or type that does not exist";
    case Fault::too_deep:
      return "the message is nested deeper than the limit of its format";
    case Fault::bad_length:
      return "the message has a length or shape that cannot be";
    case Fault::bad_block:
      return "the message names a block that it does not have";
    case Fault::bad_reference:
      return "the message refers to a value that is not there";
  }
  return "the message is damaged";
}

Failure failure_of(Fault fault, std::uint8_t found_version) {
  const Error code = fault == Fault::none      ? Error::none
                     : fault == Fault::version ? Error::version_mismatch
                                               : Error::corrupt;
  return Failure{code, 0, describe(fault, found_version)};
}

std::size_t decode_size(std::span<const std::byte> from, std::uint64_t& value) noexcept {
  if (from.empty()) return 0;
  const auto first = static_cast<std::uint8_t>(from[0]);
  if (first < 254) {
    value = first;
    return 1;
  }
  if (first == 254) {
    std::uint32_t four;
    if (from.size() < 1 + sizeof four) return 0;
    std::memcpy(&four, from.data() + 1, sizeof four);
    value = four;
    return four < 254 ? 0 : 1 + sizeof four;
  }
  if (from.size() < 1 + sizeof value) return 0;
  std::memcpy(&value, from.data() + 1, sizeof value);
  return value <= 0xffffffffu ? 0 : 1 + sizeof value;
}

std::uint32_t OutgoingBlocks::add(memory::BlockIndex block, bool owned) {
  blocks_.push_back(block);
  owned_.push_back(owned);
  return static_cast<std::uint32_t>(blocks_.size() - 1);
}

void OutgoingBlocks::delivered() noexcept {
  blocks_.clear();
  owned_.clear();
}

void OutgoingBlocks::clear() noexcept {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (owned_[i]) memory::release_block(blocks_[i]);
  }
  blocks_.clear();
  owned_.clear();
}

Result<std::uint32_t> copy_into_block(OutgoingBlocks& blocks, const void* source,
                                      std::size_t bytes) {
  Result<memory::BlockIndex> block = memory::allocate_block(bytes);
  if (!block) return std::move(block).failure();
  Result<void> filled = memory::fill_block(*block, 0, source, bytes);
  if (!filled) {
    memory::release_block(*block);
    return std::move(filled).failure();
  }
  return blocks.add_owned(*block);
}

}  // namespace onecopy::message
