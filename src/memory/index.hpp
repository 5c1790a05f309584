// The numbers by which members, blocks and channels are known: their places in the arena's tables,
// the same in every process. Plain values; anybody may use them.
#pragma once

#include <cstdint>

namespace onecopy::memory {

using Slot = std::uint32_t;  // a member's
using BlockIndex = std::uint32_t;
using ChannelIndex = std::uint32_t;

inline constexpr Slot kNoSlot = 0xffffffffu;
inline constexpr BlockIndex kNoBlock = 0xffffffffu;
inline constexpr ChannelIndex kNoChannel = 0xffffffffu;

}  // namespace onecopy::memory
