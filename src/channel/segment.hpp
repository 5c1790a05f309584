// Segments: the blocks that a channel's messages lie in.
//
// Internal to the room. A segment is made before anybody else knows of it; it is looked into with
// the channel's lock for putting or for getting held.
#pragma once

#include <cstddef>
#include <cstdint>

#include <onecopy/error.hpp>

#include "channel/record.hpp"
#include "memory/block.hpp"

namespace onecopy::channel {

// A new segment of at least `bytes`, held by this process, that begins at `base`.
Result<memory::BlockIndex> make_segment(std::uint32_t channel, std::uint32_t base,
                                        memory::BlockIndex previous, std::size_t bytes);

inline SegmentHead& segment_head(memory::BlockIndex segment) noexcept {
  return *reinterpret_cast<SegmentHead*>(memory::block_data(segment));
}
// Units it has for records, the link included.
inline std::uint32_t segment_units(memory::BlockIndex segment) noexcept {
  return static_cast<std::uint32_t>(memory::block_capacity(segment) / kUnit) - 1;
}
// Where a position of this segment lies in this process.
inline std::byte* segment_at(SegmentHead& head, std::uint32_t position) noexcept {
  const std::size_t unit = position - head.base;
  return reinterpret_cast<std::byte*>(&head) + (unit + 1) * kUnit;
}
inline std::byte* segment_at(memory::BlockIndex segment, std::uint32_t position) noexcept {
  return segment_at(segment_head(segment), position);
}
// The segment that the record at `position` links to, or kNoBlock where that is a message.
inline memory::BlockIndex linked(SegmentHead& segment, std::uint32_t position) noexcept {
  const auto& head = *reinterpret_cast<const RecordHead*>(segment_at(segment, position));
  return head.units == kLink ? head.body_bytes : memory::kNoBlock;
}
inline memory::BlockIndex linked(memory::BlockIndex segment, std::uint32_t position) noexcept {
  return linked(segment_head(segment), position);
}

// How large the next segment of a channel should be: small channels stay small.
std::size_t next_segment_bytes(memory::BlockIndex current) noexcept;

}  // namespace onecopy::channel
