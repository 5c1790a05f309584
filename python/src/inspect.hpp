// What Python sees of a family from outside. With the GIL, which is let go of while the arena is
// read.
#pragma once

#include "python.hpp"

namespace onecopy::python {

void add_inspect_function(nb::module_& module);

}  // namespace onecopy::python
