// The one place where what the engine answers becomes a Python exception.
//
// Every raise function sets an exception and returns null, so that `return raise_...` reads well.
#pragma once

#include <onecopy/error.hpp>

#include "python.hpp"

namespace onecopy::python {

PyObject* raise(const Failure& failure);

PyObject* raise_full();
PyObject* raise_empty();
// ValueError: Queue <repr> is closed.
PyObject* raise_queue_closed(PyObject* queue);
// OSError without a number, as multiprocessing raises it.
PyObject* raise_os_error(const char* text);
PyObject* raise_broken_pipe();
PyObject* raise_eof();
// multiprocessing.BufferTooShort with the message as its argument.
PyObject* raise_buffer_too_short(PyObject* message);

// The exception that is set, with its traceback, and is set no more; never null.
Reference take_exception();

// For functions bound by nanobind: throws what raise() sets.
template <class T>
T value_or_raise(Result<T> result) {
  if (!result) {
    raise(result.failure());
    throw nb::python_error();
  }
  return std::move(result).value();
}
inline void value_or_raise(const Result<void>& result) {
  if (result) return;
  raise(result.failure());
  throw nb::python_error();
}

}  // namespace onecopy::python
