// KeptEnds: the descriptors that a parent keeps of its child, as a Python type.
//
// They are closed when the object is called or goes. A weak reference's callback in Python, which
// is stock's way, would be where a Ctrl-C that comes at that moment is printed and lost.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_kept_ends_type(PyObject* module);

}  // namespace onecopy::python
