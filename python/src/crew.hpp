// Crew: a pool as its parent has it, as a Python type to be subclassed.
//
// A raw type for the reason that Queue is one. Methods run under the GIL and let it go while they
// wait, or copy much.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_crew_type(PyObject* module);

}  // namespace onecopy::python
