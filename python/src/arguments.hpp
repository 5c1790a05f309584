// Reads the arguments of a FastMethod by position and by keyword.
#pragma once

#include <array>

#include "python.hpp"

namespace onecopy::python {

inline constexpr std::size_t kMostArguments = 4;

struct Signature {
  const char* function;
  std::size_t required;                           // the first so many must be given
  std::array<const char*, kMostArguments> names;  // null behind the last
};

// Borrowed references in the order of the names; null where not given.
using Arguments = std::array<PyObject*, kMostArguments>;

// The rare cases of parse(): keywords, and mistakes.
bool parse_slowly(const Signature& signature, PyObject* const* given, Py_ssize_t count,
                  PyObject* keywords, Arguments& arguments);

// False with TypeError set.
inline bool parse(const Signature& signature, PyObject* const* given, Py_ssize_t count,
                  PyObject* keywords, Arguments& arguments) {
  if (keywords == nullptr && count <= 1 && count >= static_cast<Py_ssize_t>(signature.required) &&
      signature.names[0] != nullptr) [[likely]] {
    arguments = {count == 1 ? given[0] : nullptr, nullptr, nullptr};
    return true;
  }
  return parse_slowly(signature, given, count, keywords, arguments);
}

// A size given by the caller: anything with __index__. False with an exception set.
bool parse_size(PyObject* object, Py_ssize_t& size);

// A number of 32 bits, such as a task's. False with TypeError or OverflowError set.
bool parse_number(PyObject* object, std::uint32_t& number);

// How many arguments a method without names for them has; false with TypeError set where another
// number was given.
bool check_count(const char* function, Py_ssize_t given, Py_ssize_t wanted);

}  // namespace onecopy::python
