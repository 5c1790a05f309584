#include "pool/answer.hpp"

#include <array>
#include <cstring>

namespace onecopy::pool {
namespace {

using Words = std::array<std::uint32_t, 4>;  // the number, these, and the time in two halves
constexpr std::uint32_t kSuccess = 1;
constexpr std::uint32_t kOfTask = 2;

}  // namespace

void append_verdict(message::ByteBuffer& body, Verdict verdict) noexcept {
  const auto time = static_cast<std::uint64_t>(verdict.computing);
  body.append_plain(Words{
      verdict.number.value_or(0), (verdict.success ? kSuccess : 0) | (verdict.number ? kOfTask : 0),
      static_cast<std::uint32_t>(time), static_cast<std::uint32_t>(time >> 32)});
}

std::optional<Verdict> cut_off_verdict(channel::Incoming& answer) noexcept {
  Words words;
  if (answer.body.size() < sizeof words) return std::nullopt;
  const std::size_t rest = answer.body.size() - sizeof words;
  std::memcpy(&words, answer.body.data() + rest, sizeof words);
  if (words[1] > (kSuccess | kOfTask)) return std::nullopt;
  answer.body = answer.body.first(rest);
  const std::uint64_t time = words[2] | (std::uint64_t{words[3]} << 32);
  Verdict verdict{std::nullopt, (words[1] & kSuccess) != 0, static_cast<os::Nanoseconds>(time)};
  if ((words[1] & kOfTask) != 0) verdict.number = words[0];
  return verdict;
}

}  // namespace onecopy::pool
