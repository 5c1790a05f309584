#include "os/memory_advice.hpp"

#include <sys/mman.h>

namespace onecopy::os {

void prefer_huge_pages(std::byte* address, std::size_t length) noexcept {
  static_cast<void>(madvise(address, length, MADV_HUGEPAGE));
}

void offer_back(std::byte* address, std::size_t length) noexcept {
  static_cast<void>(madvise(address, length, MADV_FREE));
}

}  // namespace onecopy::os
