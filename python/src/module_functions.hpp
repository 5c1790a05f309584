// The functions of the module as the interpreter has its own: profilers and tracers, which know
// nothing of nanobind's, then see each call under its name.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// Puts a built-in function in front of each of nanobind's in the module.
void make_functions_builtin(nb::module_& module);

}  // namespace onecopy::python
