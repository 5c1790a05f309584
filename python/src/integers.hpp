// Integers of Python that have one digit, as nearly all have, without the interpreter's functions:
// for each number of a list these take longer than all else that is done to it. What lies in such
// an integer is known for the versions named below; others, and builds that count references or
// trace them, have the functions. Source: longintrepr.h of CPython, and since 3.12
// PyUnstable_Long_CompactValue.
#pragma once

#include "python.hpp"

#if PY_VERSION_HEX < 0x030B0000
#include <longintrepr.h>
#endif

namespace onecopy::python {

// `object` is an int, of no class of its own. False where it has more than 64 bits.
inline bool to_int64(PyObject* object, std::int64_t& number) noexcept {
  auto* integer = reinterpret_cast<PyLongObject*>(object);
#if PY_VERSION_HEX >= 0x030C0000
  if (PyUnstable_Long_IsCompact(integer) != 0) {
    number = PyUnstable_Long_CompactValue(integer);
    return true;
  }
#else
  const Py_ssize_t signed_digits = Py_SIZE(integer);
  if (signed_digits == 1 || signed_digits == -1) {
    number = signed_digits * static_cast<std::int64_t>(integer->ob_digit[0]);
    return true;
  }
#endif
  int overflow = 0;
  number = PyLong_AsLongLongAndOverflow(object, &overflow);
  return overflow == 0;
}

// A new one. Null with an exception set where there is no memory.
inline PyObject* from_int64(std::int64_t number) noexcept {
#if PY_VERSION_HEX < 0x030E0000 && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS) && \
    !defined(Py_GIL_DISABLED)
  constexpr std::int64_t kMostReady = 256;  // up to it there is one of each, for all
  constexpr std::int64_t kMost = PyLong_MASK;
  const bool is_negative = number < 0;
  if (number > kMostReady ? number <= kMost : is_negative && number < -5 && number >= -kMost) {
    auto* integer = static_cast<PyLongObject*>(PyObject_Malloc(sizeof(PyLongObject)));
    if (integer == nullptr) return PyErr_NoMemory();
    auto* object = reinterpret_cast<PyObject*>(integer);
    // Not by Py_SET_REFCNT, which from 3.12 on leaves alone what looks immortal, as memory that was
    // used before may.
    object->ob_refcnt = 1;
    Py_SET_TYPE(object, &PyLong_Type);
    const auto the_digit = static_cast<digit>(is_negative ? -number : number);
#if PY_VERSION_HEX >= 0x030C0000
    constexpr std::uintptr_t kOneDigit = 1u << _PyLong_NON_SIZE_BITS;
    integer->long_value.lv_tag = kOneDigit | (is_negative ? 2u : 0u);
    integer->long_value.ob_digit[0] = the_digit;
#else
    Py_SET_SIZE(reinterpret_cast<PyVarObject*>(integer), is_negative ? -1 : 1);
    integer->ob_digit[0] = the_digit;
#endif
    return object;
  }
#endif
  return PyLong_FromLongLong(number);
}

}  // namespace onecopy::python
