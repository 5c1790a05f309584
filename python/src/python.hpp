// What every file of the binding includes: Python, nanobind, and the words used throughout.
//
// The binding runs under the GIL unless a comment says otherwise. Functions of the CPython kind
// return null (or false) with a Python exception set; no C++ exception leaves them.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace onecopy::python {

namespace nb = nanobind;

// Owns one reference.
class Reference {
 public:
  Reference() noexcept = default;
  // Takes over a reference that the caller owns; null is nothing.
  explicit Reference(PyObject* owned) noexcept : object_(owned) {}
  static Reference to(PyObject* borrowed) noexcept {
    Py_XINCREF(borrowed);
    return Reference(borrowed);
  }
  Reference(Reference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Reference& operator=(Reference&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  ~Reference() { Py_XDECREF(object_); }

  PyObject* get() const noexcept { return object_; }
  PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

inline PyObject* new_reference(PyObject* object) noexcept {
  Py_INCREF(object);
  return object;
}

// A new reference to `name` of `module`, which is imported if need be.
inline PyObject* import_name(const char* module, const char* name) {
  const Reference imported(PyImport_ImportModule(module));
  return imported ? PyObject_GetAttrString(imported.get(), name) : nullptr;
}

// A method of a type that is called often: positional and keyword arguments without a tuple.
using FastMethod = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
inline PyCFunction as_method(FastMethod method) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(method));
}

}  // namespace onecopy::python
