// What tells one build of a program or a library from any other.
//
// Any thread may call this; nothing is shared.
#pragma once

#include <string>

namespace onecopy::os {

// 12 hexadecimal digits of the build id (ELF's note NT_GNU_BUILD_ID) of the program or library that
// has `address`; empty where it has none, or nothing that is loaded has that address.
std::string build_id_around(const void* address);

}  // namespace onecopy::os
