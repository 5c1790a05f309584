// Condition: waiters of processes, over a lock of the engine (lock.hpp). The class that people meet
// derives from it (python/onecopy/synchronize.py).
//
// Methods run under the GIL and let it go while they wait. A waiter keeps what it was notified of
// until it has the lock again: if it dies before, another gets it.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_condition_type(PyObject* module);

}  // namespace onecopy::python
