#include "buffer.hpp"

#include <algorithm>

#include "errors.hpp"
#include "trace/trace.hpp"

namespace onecopy::python {
namespace {

PyTypeObject* buffer_type = nullptr;

// Counted as the copy that whoever asks for it makes.
PyObject* stage(memory::BlockIndex block, std::size_t length) {
  PyObject* buffer = make_buffer(block, 0, length, false);
  if (buffer == nullptr) return nullptr;
  reinterpret_cast<Buffer*>(buffer)->staged = true;
  trace::add(trace::Counter::buffers_copied, 1);
  trace::add(trace::Counter::bytes_copied, length);
  return buffer;
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  auto* buffer = reinterpret_cast<Buffer*>(self);
  return PyBuffer_FillInfo(view, self, buffer->data, buffer->length, buffer->read_only, flags);
}

// May run late, when the module is gone and the process about to end: the arena is still mapped.
void deallocate(PyObject* self) {
  auto* buffer = reinterpret_cast<Buffer*>(self);
  PyTypeObject* type = Py_TYPE(self);
  if (buffer->block != memory::kNoBlock) memory::release_view(buffer->block);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* refuse(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "only the engine makes buffers");
  return nullptr;
}

Py_ssize_t length_of(PyObject* self) { return reinterpret_cast<Buffer*>(self)->length; }

PyObject* make(PyObject*, PyObject* length) {
  const Py_ssize_t bytes = PyLong_AsSsize_t(length);
  if (bytes == -1 && PyErr_Occurred() != nullptr) return nullptr;
  return make_staged(static_cast<std::size_t>(std::max<Py_ssize_t>(bytes, 0)));
}

PyObject* copy_of(PyObject*, PyObject* object) {
  Py_buffer source;
  if (PyObject_GetBuffer(object, &source, PyBUF_SIMPLE) != 0) return nullptr;
  PyObject* made = stage_copy(source.buf, static_cast<std::size_t>(source.len));
  PyBuffer_Release(&source);
  return made;
}

PyMethodDef methods[] = {
    {"_make", make, METH_O | METH_STATIC, nullptr},
    {"_copy", copy_of, METH_O | METH_STATIC, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {Py_sq_length, reinterpret_cast<void*>(length_of)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("Shared memory that a received object lies in.")},
    {0, nullptr},
};

PyType_Spec spec = {
    "onecopy._engine.Buffer", sizeof(Buffer), 0, Py_TPFLAGS_DEFAULT, slots,
};

}  // namespace

bool add_buffer_type(PyObject* module) {
  buffer_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return buffer_type != nullptr && PyModule_AddType(module, buffer_type) == 0;
}

PyObject* make_buffer(memory::BlockIndex block, std::size_t offset, std::size_t length,
                      bool read_only) {
  auto* buffer = PyObject_New(Buffer, buffer_type);
  if (buffer == nullptr) {
    memory::release_block(block);
    return nullptr;
  }
  memory::retain_view(block);
  buffer->block = block;
  buffer->read_only = read_only;
  buffer->staged = false;
  buffer->data = memory::block_data(block) + offset;
  buffer->length = static_cast<Py_ssize_t>(length);
  return reinterpret_cast<PyObject*>(buffer);
}

PyObject* make_staged(std::size_t length) {
  auto block = memory::allocate_block(length);
  if (!block) return raise(block.failure());
  memory::prepare_block(*block);
  return stage(*block, length);
}

PyObject* stage_copy(const void* data, std::size_t length) {
  const trace::Span span(trace::Counter::copy_time);
  auto block = memory::allocate_block(length);
  if (!block) return raise(block.failure());
  if (auto filled = memory::fill_block(*block, 0, data, length); !filled) {
    memory::release_block(*block);
    return raise(filled.failure());
  }
  return stage(*block, length);
}

Buffer* as_staged(PyObject* object) {
  Buffer* buffer = as_buffer(object);
  return buffer != nullptr && buffer->staged && buffer->block != memory::kNoBlock ? buffer
                                                                                  : nullptr;
}

memory::BlockIndex take_staged(Buffer* buffer) {
  if (!memory::surrender_view(buffer->block)) return memory::kNoBlock;
  const memory::BlockIndex block = buffer->block;
  forget_block(buffer);
  return block;
}

Buffer* as_buffer(PyObject* object) {
  return object != nullptr && Py_IS_TYPE(object, buffer_type) ? reinterpret_cast<Buffer*>(object)
                                                              : nullptr;
}

void forget_block(Buffer* buffer) {
  buffer->block = memory::kNoBlock;
  buffer->data = nullptr;
  buffer->length = 0;
}

}  // namespace onecopy::python
