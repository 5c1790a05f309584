// Event: a flag between processes. The class that people meet derives from it
// (python/onecopy/synchronize.py). Methods run under the GIL and let it go while they wait.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_event_type(PyObject* module);

}  // namespace onecopy::python
