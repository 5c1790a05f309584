// The envelope of one message: what kind it is, the prefix of its body, and the blocks it owns.
//
// A message is a kind, a body and an ordered list of blocks (channel/channel.hpp carries them). The
// bodies of values and pickles begin with a prefix of two bytes, so that a reader from another
// version refuses them by name; a raw body is the user's bytes and nothing else. The formats are in
// docs/layout/message.md. Everything here is private to one thread of one process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <onecopy/error.hpp>

#include "memory/block.hpp"
#include "memory/reference.hpp"
#include "message/byte_buffer.hpp"

namespace onecopy::message {

// The numbers are part of the format. 0 is no kind, so that zeros are not a message.
enum class Kind : std::uint8_t {
  value = 1,   // one typed value, readable by C++ and Python alike (value_reader.hpp)
  pickle = 2,  // a pickle stream of protocol 5 and its out-of-band buffers (pickle_body.hpp)
  raw = 3,     // bytes as the user gave them
};

inline constexpr std::uint8_t kFormatVersion = 1;

// Buffers of at least this many bytes get a block of their own; shorter ones lie in the body.
inline constexpr std::size_t kBlockThreshold = 4096;

// Data of arrays and pickle buffers that lie in the body begin at a multiple of this.
inline constexpr std::size_t kInlineAlignment = 16;

// The second byte of the prefix.
inline constexpr std::uint8_t kHasRemembered = 0x01;  // some value may be referred to again

// What is wrong with the bytes of a message. None of these happens to a message that this version
// wrote.
enum class Fault : std::uint8_t {
  none,
  version,        // written by another version of the format
  truncated,      // the body ends before the value does, or a count exceeds what can follow
  trailing,       // the value ends before the body does, or before its blocks do
  unknown_tag,    // no such tag, flag or data type
  too_deep,       // nested deeper than kMaximumDepth
  bad_length,     // a length, shape or offset that cannot be
  bad_block,      // a block that the message does not have, or has used already
  bad_reference,  // a reference to what was not remembered
};

// "the message ends before its value does", and so on; `found_version` is named where it matters.
std::string describe(Fault fault, std::uint8_t found_version = kFormatVersion);
// The same as a failure: Error::version_mismatch or Error::corrupt.
Failure failure_of(Fault fault, std::uint8_t found_version = kFormatVersion);

// One more view of a block of a message being read, which may outlive the message: the caller's to
// release. While the message is there it has a view of its own of what is kept so, and lets go of
// that instead of the block. False: it cannot be kept.
bool keep_block(memory::BlockIndex block) noexcept;

// The blocks of a message, and how to look into them. The functions stand in for memory/block.hpp
// where a test has blocks of its own.
struct Blocks {
  std::span<const memory::BlockIndex> indices;
  std::size_t (*length)(memory::BlockIndex) noexcept = &memory::block_length;
  std::byte* (*data)(memory::BlockIndex) noexcept = &memory::block_data;
  memory::SharedName (*named)(memory::BlockIndex) noexcept = &memory::named_by;
  bool (*keep)(memory::BlockIndex) noexcept = &keep_block;
};

// Collects the blocks of a message about to be put, in order. They are released with the list
// unless the message was delivered.
class OutgoingBlocks {
 public:
  OutgoingBlocks() = default;
  ~OutgoingBlocks();
  OutgoingBlocks(const OutgoingBlocks&) = delete;
  OutgoingBlocks& operator=(const OutgoingBlocks&) = delete;

  // Takes the block over; the number that the body names it by. Does not throw after reserve().
  std::uint32_t add(memory::BlockIndex block);
  void reserve() {
    if (blocks_.size() == blocks_.capacity()) blocks_.reserve(2 * blocks_.size() + 4);
  }

  std::span<const memory::BlockIndex> span() const noexcept { return blocks_; }

  // The block is the caller's again, and none of the list.
  memory::BlockIndex take_back(std::uint32_t number) noexcept;

  // The channel has taken the message: every block is the channel's now.
  void delivered() noexcept { blocks_.clear(); }

 private:
  std::vector<memory::BlockIndex> blocks_;
};

// Copies `bytes` bytes into a block of their own and adds it.
Result<std::uint32_t> copy_into_block(OutgoingBlocks& blocks, const void* source,
                                      std::size_t bytes);

}  // namespace onecopy::message
