// SharedBuffer: a shared block of the arena, or a part of one, as a Python object with the buffer
// protocol. What shared arrays and the ctypes objects of Array and Value lie in: all who have one
// see the same bytes, and each object is a handle on the block (memory/shared.hpp). A fork copies
// the object, and the child holds the block too.
#pragma once

#include "memory/shared.hpp"
#include "message/value_reader.hpp"
#include "python.hpp"

namespace onecopy::python {

// Makes the type and adds it to the module, and the function that tells whether there are any.
// False with an exception set.
bool add_shared_buffer_type(PyObject* module);

// A buffer of `length` bytes, `offset` bytes into a shared block on which the caller has a handle;
// takes that over, also where it fails (then null, with an exception set).
PyObject* make_shared_buffer(memory::SharedName name, std::uint64_t offset, std::uint64_t length,
                             bool read_only);

// Where an array lies that lies wholly in a shared block of arrays.
struct SharedPlace {
  memory::SharedName name;
  std::uint64_t offset = 0;  // of its first element
};
// False where the array is not shared. The object is an array.
bool find_shared(PyObject* array, SharedPlace& place);

// The array of a message, in the shared block that the item's block refers to; that is taken over,
// also where it fails (then null, with an exception set).
PyObject* make_shared_array(const message::Item& item);

// The shared block that a buffer lies in that goes as a reference: where a SharedBuffer exports it,
// or an array in a shared block of arrays; else a name without a block.
memory::SharedName shared_memory_of(const Py_buffer& view) noexcept;

}  // namespace onecopy::python
