// Whether the program has its own way of pickling arrays, so that the fast path must not see them.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// A reducer registered for numpy.ndarray with copyreg or with multiprocessing, or a pickler of the
// program's own: 1, else 0, or -1 with an exception set. Asked for every array that is sent, so the
// answer is remembered until one of these registries changes.
int arrays_have_reducer();

}  // namespace onecopy::python
