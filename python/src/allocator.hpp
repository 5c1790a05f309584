// NumPy arrays born in the arena: a data handler (NEP 49) whose large allocations are blocks, so
// that an array that its maker gives up can be handed to another process as it is.
//
// NumPy keeps the handler in a context variable: a thread starts without it, and has ordinary
// arrays. Called under the GIL, as NumPy does. What does not fit into the arena's budget comes from
// malloc, silently; so does what calloc zeroes lazily.
#pragma once

#include "memory/block.hpp"
#include "python.hpp"

namespace onecopy::python {

// Installs the handler in this context, importing NumPy if need be. False where there is no NumPy,
// or one too old to have handlers. Throws nb::python_error.
bool install_allocator();

// The same as soon as the program has imported NumPy: at once, or in a later call of
// install_wanted_allocator().
void want_allocator();
extern bool allocator_wanted;
// Called before an object is sent and after one was received.
void install_wanted_allocator_now();
inline void install_wanted_allocator() {
  if (allocator_wanted) [[unlikely]]
    install_wanted_allocator_now();
}

// The block that begins at `data` and belongs to an array's data, or kNoBlock.
memory::BlockIndex block_of_data(const void* data) noexcept;
// The block was given away: it is no longer this allocator's to free.
void forget_data(const void* data) noexcept;

}  // namespace onecopy::python
