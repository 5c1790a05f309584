#include "arguments.hpp"

#include <limits>

namespace onecopy::python {
namespace {

// The place of a keyword, or kMostArguments.
std::size_t place_of(const Signature& signature, PyObject* keyword) {
  for (std::size_t i = 0; i < kMostArguments && signature.names[i] != nullptr; ++i) {
    if (PyUnicode_CompareWithASCIIString(keyword, signature.names[i]) == 0) return i;
  }
  return kMostArguments;
}

}  // namespace

bool parse_slowly(const Signature& signature, PyObject* const* given, Py_ssize_t count,
                  PyObject* keywords, Arguments& arguments) {
  std::size_t most = 0;
  while (most < kMostArguments && signature.names[most] != nullptr) ++most;
  if (static_cast<std::size_t>(count) > most) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most %zu arguments (%zd given)",
                 signature.function, most, count);
    return false;
  }
  arguments = {};
  for (Py_ssize_t i = 0; i < count; ++i) arguments[static_cast<std::size_t>(i)] = given[i];
  const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
    const std::size_t place = place_of(signature, keyword);
    if (place == kMostArguments) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'",
                   signature.function, keyword);
      return false;
    }
    if (arguments[place] != nullptr) {
      PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'",
                   signature.function, keyword);
      return false;
    }
    arguments[place] = given[count + i];
  }
  for (std::size_t i = 0; i < signature.required; ++i) {
    if (arguments[i] != nullptr) continue;
    PyErr_Format(PyExc_TypeError, "%s() missing a required argument: '%s'", signature.function,
                 signature.names[i]);
    return false;
  }
  return true;
}

bool parse_size(PyObject* object, Py_ssize_t& size) {
  size = PyNumber_AsSsize_t(object, PyExc_OverflowError);
  return size != -1 || PyErr_Occurred() == nullptr;
}

bool parse_number(PyObject* object, std::uint32_t& number) {
  const Reference index(PyNumber_Index(object));
  if (!index) return false;
  const unsigned long value = PyLong_AsUnsignedLong(index.get());
  if (PyErr_Occurred() != nullptr) return false;
  if (value > std::numeric_limits<std::uint32_t>::max()) {
    PyErr_SetString(PyExc_OverflowError, "the number is too large");
    return false;
  }
  number = static_cast<std::uint32_t>(value);
  return true;
}

bool check_count(const char* function, Py_ssize_t given, Py_ssize_t wanted) {
  if (given == wanted) return true;
  PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments (%zd given)", function, wanted, given);
  return false;
}

}  // namespace onecopy::python
