#include "message/envelope.hpp"

#include <utility>

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

bool keep_block(memory::BlockIndex block) noexcept {
  if (memory::view_count(block) == 0) memory::retain_view(block);
  memory::retain_view(block);
  return true;
}

OutgoingBlocks::~OutgoingBlocks() {
  for (const memory::BlockIndex block : blocks_) {
    if (block != memory::kNoBlock) memory::release_block(block);
  }
}

memory::BlockIndex OutgoingBlocks::take_back(std::uint32_t number) noexcept {
  return std::exchange(blocks_[number], memory::kNoBlock);
}

std::uint32_t OutgoingBlocks::add(memory::BlockIndex block) {
  blocks_.push_back(block);
  return static_cast<std::uint32_t>(blocks_.size() - 1);
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
  return blocks.add(*block);
}

}  // namespace onecopy::message
