// Turn: what one thread at a time has, as a Python type.
//
// A lock that Python code takes and gives back can be lost between two of its steps, where a signal
// handler raises. A turn is had for the length of one call, which begins and ends it in C, where no
// handler runs.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_turn_type(PyObject* module);

}  // namespace onecopy::python
