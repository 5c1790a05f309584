#include "buffer.hpp"

namespace onecopy::python {
namespace {

PyTypeObject* buffer_type = nullptr;

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

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {Py_sq_length, reinterpret_cast<void*>(length_of)},
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
  buffer->data = memory::block_data(block) + offset;
  buffer->length = static_cast<Py_ssize_t>(length);
  return reinterpret_cast<PyObject*>(buffer);
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
