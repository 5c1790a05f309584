#include "message/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace onecopy::message {

bool is_utf8(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at < end) {
    // Eight characters at a time while they are ASCII, as most are.
    std::uint64_t eight;
    if (end - at >= 8 && (std::memcpy(&eight, at, 8), (eight & 0x8080808080808080u) == 0)) {
      at += 8;
      continue;
    }
    const unsigned char first = *at++;
    if (first < 0x80) continue;
    // How many bytes follow, and what the first of those may be: this is where overlong forms,
    // surrogates and too large numbers show.
    int following;
    unsigned char least = 0x80;
    unsigned char most = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
      following = 1;
    } else if (first >= 0xe0 && first <= 0xef) {
      following = 2;
      if (first == 0xe0) least = 0xa0;
      if (first == 0xed) most = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      following = 3;
      if (first == 0xf0) least = 0x90;
      if (first == 0xf4) most = 0x8f;
    } else {
      return false;
    }
    if (end - at < following) return false;
    if (*at < least || *at > most) return false;
    for (int i = 1; i < following; ++i) {
      if ((at[i] & 0xc0) != 0x80) return false;
    }
    at += following;
  }
  return true;
}

}  // namespace onecopy::message
