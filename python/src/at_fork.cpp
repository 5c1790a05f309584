#include "at_fork.hpp"

#include "os/system.hpp"

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

PyObject* call_beside_threads(PyObject* function, PyObject* none) {
  if (os::thread_count() == 1) Py_RETURN_NONE;
  return call(function, none);
}

PyMethodDef definition = {"at_fork", call, METH_NOARGS, nullptr};
PyMethodDef beside = {"at_fork_beside_threads", call_beside_threads, METH_NOARGS, nullptr};

}  // namespace

PyObject* keeping_interrupts(PyObject* function) { return PyCFunction_New(&definition, function); }

PyObject* beside_threads(PyObject* function) { return PyCFunction_New(&beside, function); }

}  // namespace onecopy::python
