// What a worker of a pool is asked for: to call a function, once or with each of many items.
//
// With the GIL held. Runs the program's own code, which may do anything.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// `task` is (packed, way, arguments, keywords): `unpack(packed)` is its function, the arguments are
// a tuple, and the keywords, with which only CALL calls, a dict or None. What the task gives, or
// null with an exception set.
Reference call_task(PyObject* task, PyObject* unpack);

// Makes the ways to call a function known to the package: CALL, MAP and STARMAP.
bool add_ways(PyObject* module);

}  // namespace onecopy::python
