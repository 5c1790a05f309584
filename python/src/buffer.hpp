// Buffer: a block of the arena as a Python object with the buffer protocol. What looks into the
// block keeps the Buffer; when the last lets go the block is free again. After a fork both sides
// keep theirs, each with the contents to itself.
#pragma once

#include "memory/block.hpp"
#include "python.hpp"

namespace onecopy::python {

// Equation: `block` is kNoBlock exactly when `data` is null and `length` is 0.
struct Buffer {
  PyObject_HEAD memory::BlockIndex block;
  bool read_only;
  bool staged;  // made for one message, which takes the block instead of copying it
  std::byte* data;
  Py_ssize_t length;
};

// Makes the type and adds it to the module. False with an exception set.
bool add_buffer_type(PyObject* module);

// A buffer of `length` bytes, `offset` bytes into a block that this process holds and nothing looks
// into yet. Takes the block over, also where it fails (then null).
PyObject* make_buffer(memory::BlockIndex block, std::size_t offset, std::size_t length,
                      bool read_only);

// A staged one: a writable buffer on a new block of `length` bytes, for what is pickled and has no
// contiguous buffer of its own. Who makes it fills it and gives it to the pickler alone.
PyObject* make_staged(std::size_t length);
// The same, holding a copy of these bytes; the GIL is kept, so that nobody changes them meanwhile.
PyObject* stage_copy(const void* data, std::size_t length);
// The object as a staged Buffer that still has its block; null where it is something else.
Buffer* as_staged(PyObject* object);
// Parts a staged buffer from its block, which the caller holds then. kNoBlock, and nothing changed,
// where a fork has made the block common since.
memory::BlockIndex take_staged(Buffer* buffer);

// The object as a Buffer; null where it is something else.
Buffer* as_buffer(PyObject* object);

// Parts the buffer from its block, which is no longer this object's business.
void forget_block(Buffer* buffer);

}  // namespace onecopy::python
