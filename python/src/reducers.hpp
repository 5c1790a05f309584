// Whether the program has its own way of pickling what the fast path knows, so that it must not see
// it.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// A reducer registered for numpy.ndarray, or for complex, with copyreg or with multiprocessing, or
// a pickler of the program's own: 1, else 0, or -1 with an exception set. Asked for every one that
// is sent, so the answers are remembered until one of these registries changes.
int arrays_have_reducer();
int complex_has_reducer();

}  // namespace onecopy::python
