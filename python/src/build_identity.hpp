// What tells this build of the package from any other, of the same version too: processes that were
// started from one another must run one and the same.
#pragma once

#include <string>

namespace onecopy::python {

// 12 hexadecimal digits of the build id (ELF's note NT_GNU_BUILD_ID) of this module, and 12 of that
// of the engine that it has loaded.
std::string build_identity();

}  // namespace onecopy::python
