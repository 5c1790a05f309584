// Telling temporaries: arguments, and results, that nobody will ever look at again.
//
// A reference count of 1 is not enough. In `put(*values)`, and in a functools.partial, the one
// reference is the tuple's, which lives on; and since Python 3.14 a local variable lends its
// reference to the call. So the argument must also be found on the value stack of the calling
// frame, where the slot itself owns the reference. In doubt it is no temporary.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// `place` is where the argument stands in the vector of a call of a method of `self`; it is the
// first one after `self`.
bool is_temporary(PyObject* self, PyObject* const* place);

// Whether nobody but the caller has an object: not an argument, but what a call returned to it.
bool is_only_owner(PyObject* object);

}  // namespace onecopy::python
