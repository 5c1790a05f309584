#include "element_kinds.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace onecopy::python {
namespace {

// Each kind is a struct with the type of its elements and how to convert one.

template <class T>
struct Integer {
  using Value = T;
  static PyObject* to_python(T value) {
    if constexpr (std::is_signed_v<T>) return PyLong_FromLongLong(value);
    return PyLong_FromUnsignedLongLong(value);
  }
  // What does not fit is cut, as ctypes does.
  static bool from_python(PyObject* object, T& value) {
    if (!PyLong_Check(object)) return false;
    value = static_cast<T>(PyLong_AsUnsignedLongLongMask(object));
    return true;
  }
};

template <class T>
struct Floating {
  using Value = T;
  static PyObject* to_python(T value) { return PyFloat_FromDouble(value); }
  static bool from_python(PyObject* object, T& value) {
    if (PyFloat_CheckExact(object)) {
      value = static_cast<T>(PyFloat_AS_DOUBLE(object));
      return true;
    }
    if (!PyLong_CheckExact(object)) return false;
    const double number = PyLong_AsDouble(object);
    if (number == -1.0 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      return false;
    }
    value = static_cast<T>(number);
    return true;
  }
};

struct Bool {
  using Value = std::uint8_t;
  static PyObject* to_python(std::uint8_t value) { return PyBool_FromLong(value); }
  static bool from_python(PyObject* object, std::uint8_t& value) {
    value = object == Py_True ? 1 : 0;
    return PyBool_Check(object);
  }
};

struct Byte {
  using Value = char;
  static PyObject* to_python(char value) { return PyBytes_FromStringAndSize(&value, 1); }
  static bool from_python(PyObject* object, char& value) {
    if (!PyBytes_Check(object) || PyBytes_GET_SIZE(object) != 1) return false;
    value = *PyBytes_AS_STRING(object);
    return true;
  }
};

template <class Kind>
PyObject* bits_to_python(const Bits& bits) {
  typename Kind::Value value;
  std::memcpy(&value, &bits, sizeof value);
  return Kind::to_python(value);
}

template <class Kind>
bool bits_from_python(PyObject* object, Bits& bits) {
  typename Kind::Value value;
  if (!Kind::from_python(object, value)) return false;
  std::memcpy(&bits, &value, sizeof value);
  return true;
}

template <class Kind>
bool fill_list(const Run& run, PyObject* list) {
  const auto* element = reinterpret_cast<const typename Kind::Value*>(run.first);
  for (Py_ssize_t i = 0; i < run.count; ++i, element += run.step) {
    PyObject* const item = Kind::to_python(*element);
    if (item == nullptr) return false;
    PyList_SET_ITEM(list, i, item);
  }
  return true;
}

template <class Kind>
bool write_all(const Run& run, PyObject* const* values) {
  auto* element = reinterpret_cast<typename Kind::Value*>(run.first);
  for (Py_ssize_t i = 0; i < run.count; ++i, element += run.step) {
    if (!Kind::from_python(values[i], *element)) return false;
  }
  return true;
}

template <class Kind>
constexpr ElementKind kind(char code) {
  return {code,
          sizeof(typename Kind::Value),
          bits_to_python<Kind>,
          bits_from_python<Kind>,
          fill_list<Kind>,
          write_all<Kind>};
}

constexpr ElementKind kKinds[] = {
    kind<Integer<signed char>>('b'),
    kind<Integer<unsigned char>>('B'),
    kind<Integer<short>>('h'),
    kind<Integer<unsigned short>>('H'),
    kind<Integer<int>>('i'),
    kind<Integer<unsigned int>>('I'),
    kind<Integer<long>>('l'),
    kind<Integer<unsigned long>>('L'),
    kind<Integer<long long>>('q'),
    kind<Integer<unsigned long long>>('Q'),
    kind<Floating<float>>('f'),
    kind<Floating<double>>('d'),
    kind<Bool>('?'),
    kind<Byte>('c'),
};

}  // namespace

const ElementKind* element_kind(char code) noexcept {
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [code](const ElementKind& kind) { return kind.code == code; });
  return found == std::end(kKinds) ? nullptr : found;
}

}  // namespace onecopy::python
