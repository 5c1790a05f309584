// Lock: what multiprocessing calls a SemLock, of the two kinds that one may hold: a Lock, which
// anybody may release, and an RLock, which its thread may take again. With the same methods as
// _multiprocessing.SemLock, so that stock's Condition, Event and Barrier stand on it.
//
// Methods run under the GIL and let it go while they wait. Which thread holds it, and how often, is
// kept in the handle, as stock keeps it; that the process holds it, in shared memory
// (sync/lock.hpp).
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_lock_type(PyObject* module);

}  // namespace onecopy::python
