#include "shared_block.hpp"

#include <algorithm>
#include <limits>

#include "errors.hpp"
#include "memory/block.hpp"
#include "memory/shared.hpp"

namespace onecopy::python {
namespace {

// Equation: `name` is nothing until __init__ or _open has done its work; a handle after.
struct SharedBlock {
  PyObject_HEAD memory::SharedName name;
  Py_ssize_t length;
};

SharedBlock& self_of(PyObject* object) noexcept { return *reinterpret_cast<SharedBlock*>(object); }

PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) self_of(self).name = {};
  return self;
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"length", nullptr};
  Py_ssize_t length = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "n:SharedBlock", const_cast<char**>(kNames),
                                  &length) == 0) {
    return -1;
  }
  if (length < 0 || self_of(self).name.block != memory::kNoBlock) {
    PyErr_SetString(PyExc_ValueError,
                    length < 0 ? "the length must not be negative" : "the block is made already");
    return -1;
  }
  const auto bytes = static_cast<std::size_t>(std::max<Py_ssize_t>(length, 1));
  auto name = memory::make_shared_block(bytes, memory::Purpose::array);
  if (!name) {
    raise(name.failure());
    return -1;
  }
  self_of(self).name = *name;
  self_of(self).length = length;
  return 0;
}

PyObject* open(PyObject* type, PyObject* arguments) {
  memory::SharedName name;
  Py_ssize_t length = 0;
  if (PyArg_ParseTuple(arguments, "IIn:_open", &name.block, &name.time, &length) == 0) {
    return nullptr;
  }
  Reference self(allocate(reinterpret_cast<PyTypeObject*>(type), nullptr, nullptr));
  if (!self) return nullptr;
  if (auto held = memory::hold_shared(name); !held) return raise(held.failure());
  self_of(self.get()).name = name;
  self_of(self.get()).length = length;
  return self.release();
}

// May run late, when the module is gone and the process about to end: the arena is still mapped.
void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  if (self_of(self).name.block != memory::kNoBlock) memory::let_go_shared(self_of(self).name);
  type->tp_free(self);
  Py_DECREF(type);
}

bool is_made(PyObject* self) {
  if (self_of(self).name.block != memory::kNoBlock) return true;
  PyErr_SetString(PyExc_ValueError, "the block was never made");
  return false;
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  if (!is_made(self)) {
    view->obj = nullptr;
    return -1;
  }
  return PyBuffer_FillInfo(view, self, memory::block_data(self_of(self).name.block),
                           self_of(self).length, 0, flags);
}

Py_ssize_t length_of(PyObject* self) { return self_of(self).length; }

PyObject* name_of(PyObject* self, PyObject*) {
  if (!is_made(self)) return nullptr;
  return Py_BuildValue("(II)", self_of(self).name.block, self_of(self).name.time);
}

PyObject* hold_for(PyObject* self, PyObject* slot) {
  const unsigned long number = PyLong_AsUnsignedLong(slot);
  if (PyErr_Occurred() != nullptr || !is_made(self)) return nullptr;
  memory::hold_shared_for(self_of(self).name, static_cast<memory::Slot>(number));
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"_name", name_of, METH_NOARGS, nullptr},
    {"_hold_for", hold_for, METH_O, nullptr},
    {"_open", open, METH_VARARGS | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {Py_sq_length, reinterpret_cast<void*>(length_of)},
    {Py_tp_doc, const_cast<char*>("Zeroed memory that is the same for every process.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.SharedBlock", sizeof(SharedBlock), 0, Py_TPFLAGS_DEFAULT,
                    slots};

}  // namespace

bool add_shared_block_type(PyObject* module) {
  const Reference type(PyType_FromSpec(&spec));
  return type && PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) == 0;
}

}  // namespace onecopy::python
