// Semaphore: what multiprocessing calls a SemLock, of the kind that counts units, with and without
// a bound. With the same methods as _multiprocessing.SemLock; the classes that people meet derive
// from it (python/onecopy/synchronize.py).
//
// Methods run under the GIL and let it go while they wait. A unit that `with` takes is taken in
// this process's name (sync/semaphore.hpp), and so is every one of a bounded semaphore.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_semaphore_type(PyObject* module);

}  // namespace onecopy::python
