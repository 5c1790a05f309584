// PoolWorker: a pool as one of its workers has it, as a Python type.
//
// For one thread of the process that made it. Methods run under the GIL and let it go while they
// wait, or copy much.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_pool_worker_type(PyObject* module);

}  // namespace onecopy::python
