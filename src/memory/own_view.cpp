#include "memory/own_view.hpp"

#include "memory/family.hpp"
#include "memory/local.hpp"

namespace onecopy::memory {

Result<std::byte*> map_own_view(SharedName name) {
  const auto arena = family_descriptor();
  if (!arena) return arena.failure();
  const BlockRecord& record = block_record(name.block);
  return os::map_private(*arena, record.offset, record.capacity);
}

void unmap_own_view(std::byte* view, SharedName name) noexcept {
  os::unmap(view, block_record(name.block).capacity);
}

}  // namespace onecopy::memory
