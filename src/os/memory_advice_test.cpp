#include "os/memory_advice.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "os/memory_file.hpp"

namespace onecopy::os {
namespace {

constexpr std::size_t kBytes = std::size_t{4} << 20;

std::byte* map_private() {
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return static_cast<std::byte*>(memory);
}

TEST(MemoryAdvice, LeavesWhatIsInMemoryThatPrefersHugePages) {
  std::byte* memory = map_private();
  std::fill_n(memory, kBytes / 2, std::byte{7});
  prefer_huge_pages(memory, kBytes);
  EXPECT_TRUE(
      std::all_of(memory, memory + kBytes / 2, [](std::byte b) { return b == std::byte{7}; }));
  EXPECT_EQ(memory[kBytes - 1], std::byte{0});
  unmap(memory, kBytes);
}

TEST(MemoryAdvice, KeepsWhatIsWrittenAfterAnOffer) {
  std::byte* memory = map_private();
  std::fill_n(memory, kBytes, std::byte{7});
  offer_back(memory, kBytes);
  const std::byte offered = memory[kBytes - 1];
  EXPECT_TRUE(offered == std::byte{7} || offered == std::byte{0});
  std::fill_n(memory, kBytes, std::byte{9});
  EXPECT_TRUE(std::all_of(memory, memory + kBytes, [](std::byte b) { return b == std::byte{9}; }));
  unmap(memory, kBytes);
}

// Advice is never an error, whatever the address.
TEST(MemoryAdvice, IsNoErrorForAddressesThatAreNotMapped) {
  std::byte* memory = map_private();
  unmap(memory, kBytes);
  prefer_huge_pages(memory, kBytes);
  offer_back(memory, kBytes);
}

}  // namespace
}  // namespace onecopy::os
