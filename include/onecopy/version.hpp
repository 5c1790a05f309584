/// \file
/// The version of this library: one fact, read by the build, the package and the handshake between
/// members of a family.
#pragma once

#include <cstdint>

/// The first number of the version.
#define ONECOPY_VERSION_MAJOR 0
/// The second.
#define ONECOPY_VERSION_MINOR 1
/// The third.
#define ONECOPY_VERSION_PATCH 0

namespace onecopy {

/// The version as one number, larger for a later one.
inline constexpr std::uint32_t kVersion =
    (ONECOPY_VERSION_MAJOR << 20) | (ONECOPY_VERSION_MINOR << 10) | ONECOPY_VERSION_PATCH;
/// The version as text.
inline constexpr const char* kVersionText = "0.1.0";

}  // namespace onecopy
