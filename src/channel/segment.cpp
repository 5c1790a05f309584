#include "channel/segment.hpp"

#include <algorithm>
#include <new>

#include "memory/owner.hpp"

namespace onecopy::channel {
namespace {

constexpr std::size_t kLargestSegment = 64 * 1024;
constexpr std::size_t kGrowth = 4;

}  // namespace

Result<memory::BlockIndex> make_segment(std::uint32_t channel, std::uint32_t base,
                                        memory::BlockIndex previous, std::size_t bytes) {
  auto block = memory::allocate_block(bytes);
  if (!block) return block;
  memory::set_block_length(*block, memory::block_capacity(*block));
  memory::set_purpose(*block, memory::Purpose::segment);
  ::new (memory::block_data(*block)) SegmentHead{channel, base, previous, 0};
  return block;
}

std::size_t next_segment_bytes(memory::BlockIndex current) noexcept {
  return std::min(memory::block_capacity(current) * kGrowth, kLargestSegment);
}

}  // namespace onecopy::channel
