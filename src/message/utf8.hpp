// Tells UTF-8 from other bytes.
#pragma once

#include <string_view>

namespace onecopy::message {

// Strictly: shortest forms only, no surrogates, nothing above U+10FFFF. Empty text is UTF-8.
bool is_utf8(std::string_view text) noexcept;

}  // namespace onecopy::message
