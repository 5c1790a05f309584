// A view of a shared block that is this process's own: it starts out with the bytes of the block,
// and what is written through it nobody else sees. Only pages that are written are copied. For
// blocks that nobody writes to any more, since what others write to pages that were not written
// here shows.
//
// Any thread may call. The view is memory of this process as any other: a fork gives the child its
// own, and a death leaves nothing. Whoever has one keeps a handle on the block.
#pragma once

#include <cstddef>

#include <onecopy/error.hpp>

#include "memory/shared.hpp"

namespace onecopy::memory {

// Error::no_memory where addresses or mappings run out; Error::closed where the program has closed
// the descriptor of the arena.
Result<std::byte*> map_own_view(SharedName name);
void unmap_own_view(std::byte* view, SharedName name) noexcept;

}  // namespace onecopy::memory
