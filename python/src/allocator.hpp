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

// Installs the handler in this context: at once where NumPy is loaded, else when the binding first
// meets it. False where it is not loaded. Throws nb::python_error.
bool install_allocator();
// What the above left to do. False with an exception set.
bool install_allocator_if_asked();

// The block that begins at `data` and belongs to an array's data, or kNoBlock.
memory::BlockIndex block_of_data(const void* data) noexcept;
// The block was given away: it is no longer this allocator's to free.
void forget_data(const void* data) noexcept;

}  // namespace onecopy::python
