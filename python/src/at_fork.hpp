// Python functions that are called at a fork (os.register_at_fork), which has nobody to raise to: a
// Ctrl-C that comes while one of them runs would be printed and lost.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// What calls `function` without arguments, and once more where a Ctrl-C interrupted it, which is
// then raised soon after the fork instead. Null with an exception set.
PyObject* keeping_interrupts(PyObject* function);

}  // namespace onecopy::python
