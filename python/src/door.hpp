// The door of a family (process/door.hpp) as a Python type, and joining one.
//
// Any thread may call the methods; they take turns. A forked child has no part in the door.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// Makes the type and adds it to the module. False with an exception set.
bool add_door_type(PyObject* module);
void add_join_function(nb::module_& module);

}  // namespace onecopy::python
