// Barrier: where processes wait for each other. The class that people meet derives from it
// (python/onecopy/synchronize.py).
//
// Methods run under the GIL and let it go while they wait. Coming, acting and leaving is one call,
// so that an exception of a signal handler finds a thread inside or outside and never in between.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_barrier_type(PyObject* module);

}  // namespace onecopy::python
