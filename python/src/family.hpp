// This process's place in its family, and what the family's memory is used for: functions of the
// module.
#pragma once

#include "python.hpp"

namespace onecopy::python {

void add_family_functions(nb::module_& module);

}  // namespace onecopy::python
