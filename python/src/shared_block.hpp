// SharedBlock: shared memory as a Python object with the buffer protocol, one and the same for
// every process that holds it, across forks too. What the ctypes objects of Array and Value lie in.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_shared_block_type(PyObject* module);

}  // namespace onecopy::python
