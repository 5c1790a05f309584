#include "at_fork.hpp"

namespace onecopy::python {
namespace {

PyObject* call(PyObject* function, PyObject* /*no arguments*/) {
  bool interrupted = false;
  PyObject* outcome = PyObject_CallNoArgs(function);
  while (outcome == nullptr && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) {
    PyErr_Clear();
    interrupted = true;
    outcome = PyObject_CallNoArgs(function);
  }
  if (interrupted) PyErr_SetInterrupt();
  return outcome;
}

PyMethodDef definition = {"at_fork", call, METH_NOARGS, nullptr};

}  // namespace

PyObject* keeping_interrupts(PyObject* function) { return PyCFunction_New(&definition, function); }

}  // namespace onecopy::python
