#include "pool/answer.hpp"

#include <array>
#include <cstring>

namespace onecopy::pool {
namespace {

using Words = std::array<std::uint32_t, 2>;  // the number; 1 for success, else 0

}  // namespace

void append_verdict(message::ByteBuffer& body, Verdict verdict) noexcept {
  body.append_plain(Words{verdict.number, verdict.success ? 1u : 0u});
}

std::optional<Verdict> cut_off_verdict(channel::Incoming& answer) noexcept {
  Words words;
  if (answer.body.size() < sizeof words) return std::nullopt;
  const std::size_t rest = answer.body.size() - sizeof words;
  std::memcpy(&words, answer.body.data() + rest, sizeof words);
  if (words[1] > 1) return std::nullopt;
  answer.body = answer.body.first(rest);
  return Verdict{words[0], words[1] == 1};
}

}  // namespace onecopy::pool
