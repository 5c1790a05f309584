// Size classes: eight to every doubling from one page upwards, so that rounding up wastes at most
// an eighth. Pure arithmetic; anybody may call.
#pragma once

#include <bit>
#include <cstdint>

#include "memory/layout.hpp"

namespace onecopy::memory {

inline constexpr std::uint64_t kSmallestBlock = 4096;

// Class c has (8 + c % 8) * 2^(c / 8) eighths of pages, rounded up to whole pages.
constexpr std::uint64_t class_bytes(std::uint32_t size_class) {
  const std::uint64_t eighths = (8ull + size_class % 8) << (size_class / 8);
  return (eighths * (kSmallestBlock / 8) + kSmallestBlock - 1) / kSmallestBlock * kSmallestBlock;
}

// The smallest class that holds `bytes`; kSizeClasses where none does.
constexpr std::uint32_t class_of(std::uint64_t bytes) {
  if (bytes <= kSmallestBlock) return 0;
  if (bytes > class_bytes(kSizeClasses - 1)) return kSizeClasses;
  const auto doublings =
      static_cast<std::uint32_t>(std::bit_width((bytes - 1) / kSmallestBlock)) - 1;
  std::uint32_t size_class = doublings * 8;
  while (class_bytes(size_class) < bytes) ++size_class;
  return size_class;
}

static_assert(class_bytes(0) == 4096 && class_bytes(8) == 8192 && class_bytes(16) == 16384);
static_assert(class_of(1) == 0 && class_of(4096) == 0 && class_bytes(class_of(4097)) == 8192);

}  // namespace onecopy::memory
