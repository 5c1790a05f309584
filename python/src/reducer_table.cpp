#include "reducer_table.hpp"

#include "numpy_api.hpp"

namespace onecopy::python {
namespace {

PyObject* subscript(PyObject* self, PyObject* key) {
  if (PyObject* reducer = PyDict_GetItemWithError(self, key)) return new_reference(reducer);
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (PyType_Check(key) && numpy::is_array_class(reinterpret_cast<PyTypeObject*>(key))) {
    return PyObject_CallMethod(self, "__missing__", "O", key);
  }
  PyErr_SetObject(PyExc_KeyError, key);
  return nullptr;
}

PyType_Slot slots[] = {
    {Py_mp_subscript, reinterpret_cast<void*>(subscript)},
    {Py_tp_doc, const_cast<char*>("Reducers by type.")},
    {0, nullptr},
};

PyType_Spec spec = {
    "onecopy._engine.ReducerTable", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots,
};

}  // namespace

bool add_reducer_table_type(PyObject* module) {
  const Reference bases(PyTuple_Pack(1, &PyDict_Type));
  if (!bases) return false;
  const Reference type(PyType_FromSpecWithBases(&spec, bases.get()));
  return type && PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) == 0;
}

}  // namespace onecopy::python
