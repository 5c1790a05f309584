#include "errors.hpp"

#include <cerrno>

namespace onecopy::python {
namespace {

// Sets the exception class `name` of `module`, with `argument` (owned; null: none).
PyObject* raise_imported(const char* module, const char* name, PyObject* argument) {
  const Reference owned(argument);
  const Reference type(import_name(module, name));
  if (type) {
    if (owned) {
      PyErr_SetObject(type.get(), owned.get());
    } else {
      PyErr_SetNone(type.get());
    }
  }
  return nullptr;
}

// OSError picks its subclass by the number. Before 3.11 who catches an exception goes by the type
// that was raised, whatever the object is.
PyObject* raise_with_number(int number, const std::string& text) {
  const Reference error(PyObject_CallFunction(PyExc_OSError, "is", number, text.c_str()));
  if (error) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
  return nullptr;
}

PyObject* raise_text(PyObject* type, const Failure& failure) {
  PyErr_SetString(type, failure.text().c_str());
  return nullptr;
}

}  // namespace

PyObject* raise(const Failure& failure) {
  switch (failure.code) {
    case Error::timed_out:
      return raise_text(PyExc_TimeoutError, failure);
    case Error::interrupted:
      return raise_with_number(EINTR, failure.text());
    case Error::full:
      return raise_full();
    case Error::empty:
      return raise_empty();
    case Error::closed:
      return raise_os_error(failure.text().c_str());
    case Error::end_of_stream:
      return raise_eof();
    case Error::broken_pipe:
      return raise_broken_pipe();
    case Error::broken_barrier:
      return raise_imported("threading", "BrokenBarrierError", nullptr);
    case Error::no_memory:
      return raise_text(PyExc_MemoryError, failure);
    case Error::not_found:
      return raise_text(PyExc_LookupError, failure);
    case Error::too_many:
      return raise_with_number(failure.system_errno != 0 ? failure.system_errno : EMFILE,
                               failure.text());
    case Error::invalid:
      return raise_text(PyExc_ValueError, failure);
    case Error::corrupt:
      return raise_imported("pickle", "UnpicklingError",
                            PyUnicode_FromString(failure.text().c_str()));
    case Error::permission:
      return raise_with_number(failure.system_errno != 0 ? failure.system_errno : EPERM,
                               failure.text());
    case Error::system:
      return raise_with_number(failure.system_errno, failure.text());
    case Error::none:
    case Error::stopped:  // Python has no tokens
    case Error::task_failed:
    case Error::worker_died:
    case Error::version_mismatch:
      break;
  }
  return raise_text(PyExc_RuntimeError, failure);
}

PyObject* raise_full() { return raise_imported("queue", "Full", nullptr); }
PyObject* raise_empty() { return raise_imported("queue", "Empty", nullptr); }

PyObject* raise_queue_closed(PyObject* queue) {
  PyErr_Format(PyExc_ValueError, "Queue %R is closed", queue);
  return nullptr;
}

PyObject* raise_os_error(const char* text) {
  PyErr_SetString(PyExc_OSError, text);
  return nullptr;
}

PyObject* raise_broken_pipe() {
  errno = EPIPE;
  return PyErr_SetFromErrno(PyExc_OSError);
}

PyObject* raise_eof() {
  PyErr_SetNone(PyExc_EOFError);
  return nullptr;
}

PyObject* raise_buffer_too_short(PyObject* message) {
  return raise_imported("multiprocessing.context", "BufferTooShort", new_reference(message));
}

Reference take_exception() {
#if PY_VERSION_HEX >= 0x030C0000
  return Reference(PyErr_GetRaisedException());
#else
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return Reference(value);
#endif
}

}  // namespace onecopy::python
