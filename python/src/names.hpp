// Publishing and finding by name (names/table.hpp), for onecopy.publish and onecopy.find.
#pragma once

#include "python.hpp"

namespace onecopy::python {

void add_names_functions(nb::module_& module);

}  // namespace onecopy::python
