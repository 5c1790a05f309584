// ReducerTable: a dict of reducers by type, for a pickler's dispatch_table. A class of NumPy arrays
// that is not in it is asked for by __missing__(); any other class that is not is not, at the price
// of a look-up, since picklers ask for the class of every object.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// Makes the type and adds it to the module. False with an exception set.
bool add_reducer_table_type(PyObject* module);

}  // namespace onecopy::python
