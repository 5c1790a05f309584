#include "at_fork.hpp"

#include <csignal>

#include "os/fork_hooks.hpp"
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

// The forking thread's, under the GIL or in a process that has let go of it for the fork alone.
bool interrupted = false;

void look_for_interrupt() {
  sigset_t pending;
  sigpending(&pending);
  const bool now = sigismember(&pending, SIGINT) == 1;
  // Not stored where nothing changes: the page is one of those that a fork has made common.
  if (now != interrupted) interrupted = now;
}

PyMethodDef definition = {"at_fork", call, METH_NOARGS, nullptr};
PyMethodDef beside = {"at_fork_beside_threads", call_beside_threads, METH_NOARGS, nullptr};

}  // namespace

PyObject* keeping_interrupts(PyObject* function) { return PyCFunction_New(&definition, function); }

PyObject* beside_threads(PyObject* function) { return PyCFunction_New(&beside, function); }

void watch_for_interrupts() { os::register_fork_hooks(nullptr, look_for_interrupt, nullptr); }

bool interrupted_at_fork() noexcept { return interrupted; }

}  // namespace onecopy::python
