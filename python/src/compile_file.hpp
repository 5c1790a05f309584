// Compiling the text of a Python file as the built-in compile() does, which first makes the hundred
// types of the syntax tree: 2.5 ms of a process that has no other use for them.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// The code of a module whose file `path` holds the bytes `source`, with no future features but its
// own. Raises what compile() raises.
nb::object compile_file(const nb::bytes& source, const nb::str& path);

}  // namespace onecopy::python
