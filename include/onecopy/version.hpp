// The version of this library: one fact, read by the build, the package and the handshake between
// members of a family.
#pragma once

#include <cstdint>

#define ONECOPY_VERSION_MAJOR 0
#define ONECOPY_VERSION_MINOR 1
#define ONECOPY_VERSION_PATCH 0

namespace onecopy {

inline constexpr std::uint32_t kVersion =
    (ONECOPY_VERSION_MAJOR << 20) | (ONECOPY_VERSION_MINOR << 10) | ONECOPY_VERSION_PATCH;
inline constexpr const char* kVersionText = "0.1.0";

}  // namespace onecopy
