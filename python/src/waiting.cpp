#include "waiting.hpp"

#include <cxxabi.h>
#include <cmath>

namespace onecopy::python {

bool parse_timeout(PyObject* timeout, os::Deadline& deadline) {
  deadline = os::Deadline::never();
  if (timeout == nullptr || timeout == Py_None) return true;
  const double seconds = PyFloat_AsDouble(timeout);
  if (seconds == -1.0 && PyErr_Occurred() != nullptr) return false;
  if (std::isnan(seconds)) {
    PyErr_SetString(PyExc_ValueError, "the timeout is not a number");
    return false;
  }
  constexpr double kTooLong = 9e9;  // seconds: nearly 300 years, the reach of the clock
  if (seconds < kTooLong) {
    const double nanoseconds = seconds > 0 ? std::ceil(seconds * 1e9) : 0;
    deadline = os::Deadline::after(static_cast<os::Nanoseconds>(nanoseconds));
  }
  return true;
}

bool parse_patience(PyObject* block, PyObject* timeout, os::Deadline& deadline) {
  const int blocks = block == nullptr ? 1 : PyObject_IsTrue(block);
  if (blocks < 0) return false;
  if (blocks != 0) return parse_timeout(timeout, deadline);
  deadline = os::Deadline::after(0);
  return true;
}

void take_gil_back(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (abi::__forced_unwind&) {
    // The interpreter ends this thread by pthread_exit(). Whoever leaves this block without going
    // on unwinding aborts the process; so nobody leaves it.
    for (;;) os::sleep_until(os::Deadline::never());
  }
}

}  // namespace onecopy::python
