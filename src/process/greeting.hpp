// What two processes say to each other at a door: who knocks its Hello; who has the door its
// Answer, which brings the arena's descriptor where it is a welcome; and the first that it is in.
//
// Each is one message of a socket that keeps messages apart. Every version of Onecopy begins its
// messages with a Hello, so that any two can refuse each other by name. Nothing of the other side
// is believed: lengths and numbers are looked at before they are used, and who it is the kernel
// tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include <onecopy/error.hpp>

namespace onecopy::process {

inline constexpr std::uint64_t kGreeting = 0x6f6c6c656800636f;  // "oc\0hello", little endian

struct Hello {
  std::uint64_t greeting;
  std::uint32_t package_version;
  std::uint32_t layout_version;
  std::uint32_t pid;  // as it knows itself; from another pid namespace the kernel tells another
  std::uint32_t unused;
};
static_assert(sizeof(Hello) == 24 && offsetof(Hello, package_version) == 8 &&
              offsetof(Hello, pid) == 16);
static_assert(std::is_trivially_copyable_v<Hello> && std::is_standard_layout_v<Hello>);

enum class Verdict : std::uint32_t { refused, welcome };

inline constexpr std::size_t kLongestReason = 480;
inline constexpr std::size_t kLongestNote = 1024;

struct Answer {
  Hello speaker;
  Verdict verdict;
  std::uint32_t error;  // of a refusal: an Error
  std::uint32_t slot;   // of a welcome: the place in the family
  std::uint32_t generation;
  std::uint32_t reason_bytes;
  std::uint32_t note_bytes;
  char reason[kLongestReason];  // of a refusal, for a person
  char note[kLongestNote];      // of a welcome, from who opened the door, whatever it means
};
static_assert(sizeof(Answer) == 1552 && offsetof(Answer, verdict) == 24 &&
              offsetof(Answer, reason) == 48 && offsetof(Answer, note) == 528);
static_assert(std::is_trivially_copyable_v<Answer> && std::is_standard_layout_v<Answer>);

// Of who knocked, after a welcome: it is in.
inline constexpr char kInside = 'i';

// This process, and this library.
Hello hello_of_self() noexcept;
// Error::version_mismatch, which names both versions: what `other` says is not understood here.
// `whose` is "the family behind '/run/door'", say.
Result<void> check_versions(const Hello& other, const std::string& whose);

}  // namespace onecopy::process
