#include "pool_task.hpp"

namespace onecopy::python {
namespace {

enum Way : int {
  kCall,     // once, with the arguments and the keywords
  kMap,      // with each of the arguments
  kStarmap,  // with each of the arguments, which holds arguments in its turn
};

Reference call_with(PyObject* function, PyObject* item, int way) {
  if (way == kMap) return Reference(PyObject_CallOneArg(function, item));
  const Reference arguments(PySequence_Tuple(item));
  return arguments ? Reference(PyObject_Call(function, arguments.get(), nullptr)) : Reference();
}

Reference call_with_each(PyObject* function, PyObject* items, int way) {
  Reference results(PyList_New(0));
  if (!results) return {};
  const Py_ssize_t count = PyTuple_GET_SIZE(items);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Reference result = call_with(function, PyTuple_GET_ITEM(items, i), way);
    if (!result || PyList_Append(results.get(), result.get()) != 0) return {};
  }
  return results;
}

}  // namespace

Reference call_task(PyObject* task, PyObject* unpack) {
  PyObject* packed = nullptr;
  PyObject* arguments = nullptr;
  PyObject* keywords = nullptr;
  int way = kCall;
  if (!PyTuple_Check(task)) {
    PyErr_SetString(PyExc_TypeError, "a task is a tuple");
    return {};
  }
  if (PyArg_ParseTuple(task, "OiO!O:task", &packed, &way, &PyTuple_Type, &arguments, &keywords) ==
      0) {
    return {};
  }
  const Reference function(PyObject_CallOneArg(unpack, packed));
  if (!function) return {};
  return way == kCall ? Reference(PyObject_Call(function.get(), arguments, keywords))
                      : call_with_each(function.get(), arguments, way);
}

bool add_ways(PyObject* module) {
  return PyModule_AddIntConstant(module, "CALL", kCall) == 0 &&
         PyModule_AddIntConstant(module, "MAP", kMap) == 0 &&
         PyModule_AddIntConstant(module, "STARMAP", kStarmap) == 0;
}

}  // namespace onecopy::python
