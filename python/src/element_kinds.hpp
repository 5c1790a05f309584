// The kinds of elements that are read and written without ctypes: numbers of 1 to 8 bytes and
// single bytes, as ctypes converts them. No code of the program runs in here, and nothing waits.
#pragma once

#include <cstddef>

#include "python.hpp"

namespace onecopy::python {

// The bits of one element, in its lowest bytes.
union Bits {
  std::uint8_t one;
  std::uint16_t two;
  std::uint32_t four;
  std::uint64_t eight;
};
static_assert(sizeof(Bits) == 8);

// Elements in memory: `step` elements (may be negative) from one to the next.
struct Run {
  std::byte* first;
  Py_ssize_t step;
  Py_ssize_t count;
};

// Functions that take what Python has answer false for what is left to ctypes, which converts or
// refuses it; no exception is set.
struct ElementKind {
  char code;  // as array.array and ctypes have it
  std::size_t size;
  PyObject* (*to_python)(const Bits& bits);
  bool (*from_python)(PyObject* value, Bits& bits);
  // Fills a new list of run.count places; false with an exception set.
  bool (*fill_list)(const Run& run, PyObject* list);
  // From so many objects; what comes before one that is left to ctypes is written.
  bool (*write_all)(const Run& run, PyObject* const* values);
};

// Null: elements of that code are left to ctypes.
const ElementKind* element_kind(char code) noexcept;

}  // namespace onecopy::python
