// Elements and Element: the fast way into the ctypes objects of synchronized arrays and values.
//
// Reading or writing one number goes through the gate of the lock (sync/gate.hpp) and takes no
// lock, unless somebody has it. All else (slices, and whatever ctypes must convert or refuse
// itself) takes the lock and asks the ctypes object, as stock does. python/onecopy/sharedctypes.py
// makes the classes that people meet out of them.
#pragma once

#include "python.hpp"

namespace onecopy::python {

bool add_element_types(PyObject* module);

}  // namespace onecopy::python
