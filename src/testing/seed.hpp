// Where the tests' chance comes from. For tests only.
//
// ONECOPY_TEST_SEED repeats an earlier run; without it each run draws its own seed and prints it.
// ONECOPY_TEST_LONG=1 asks for everything instead of a sample.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace onecopy::testing {

inline std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* const given = std::getenv("ONECOPY_TEST_SEED");
    const std::uint64_t drawn = given != nullptr && *given != '\0'
                                    ? std::strtoull(given, nullptr, 10)
                                    : std::random_device()();
    std::printf("ONECOPY_TEST_SEED=%llu\n", static_cast<unsigned long long>(drawn));
    return drawn;
  }();
  return value;
}

// A generator for one purpose; two purposes draw independently of each other.
inline std::mt19937_64 random_for(const char* purpose) {
  std::uint64_t mixed = seed();
  for (; *purpose != '\0'; ++purpose)
    mixed = mixed * 1099511628211u + static_cast<unsigned char>(*purpose);
  return std::mt19937_64(mixed);
}

inline bool wants_everything() {
  const char* const asked = std::getenv("ONECOPY_TEST_LONG");
  return asked != nullptr && *asked != '\0' && *asked != '0';
}

}  // namespace onecopy::testing
