// What the kernel is told about private memory of ours. All of it is advice: a kernel that does not
// know it, or is set up otherwise, does as it always did. Any thread; nothing is left by a death.
// Addresses and lengths are multiples of page_size(). Source: madvise(2).
#pragma once

#include <cstddef>

namespace onecopy::os {

// Two megabytes to a page where they are aligned so: a fault for every 512 of the small ones.
void prefer_huge_pages(std::byte* address, std::size_t length) noexcept;

// The bytes are of no use now: the kernel may take the pages when it wants memory, and touching
// them later, which costs no fault where it has not, finds them as they were or zeroed.
void offer_back(std::byte* address, std::size_t length) noexcept;

}  // namespace onecopy::os
