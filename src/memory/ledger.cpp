#include "memory/ledger.hpp"

#include "memory/local.hpp"

namespace onecopy::memory {
namespace {

constexpr std::uint32_t kBits = 64;

std::atomic<std::uint64_t>* words(Ledger ledger, Slot slot) noexcept {
  const std::uint64_t offset = ledger == Ledger::channels
                                   ? kChannelLedgerOffset + slot * kChannelLedgerBytes
                                   : kBlockLedgerOffset + slot * kBlockLedgerBytes;
  return reinterpret_cast<std::atomic<std::uint64_t>*>(local().base + offset);
}

// Words that can have a bit set: indices are given out from 0 upwards.
std::uint32_t word_count(Ledger ledger) noexcept {
  // Acquire: pairs with the release that published the highest index.
  const std::uint32_t indices = ledger == Ledger::channels ? channel_count() : block_count();
  return (indices + kBits - 1) / kBits;
}

constexpr std::uint64_t bit(std::uint32_t index) { return std::uint64_t{1} << (index % kBits); }

}  // namespace

// All sequentially consistent: two members that clear their bits at the same time must not both
// still see the other's, or nobody would free.
void ledger_set(Ledger ledger, Slot slot, std::uint32_t index) noexcept {
  words(ledger, slot)[index / kBits].fetch_or(bit(index), std::memory_order_seq_cst);
}

void ledger_clear(Ledger ledger, Slot slot, std::uint32_t index) noexcept {
  words(ledger, slot)[index / kBits].fetch_and(~bit(index), std::memory_order_seq_cst);
}

bool ledger_has(Ledger ledger, Slot slot, std::uint32_t index) noexcept {
  return (words(ledger, slot)[index / kBits].load(std::memory_order_seq_cst) & bit(index)) != 0;
}

bool ledger_held_by_anyone(Ledger ledger, std::uint32_t index) noexcept {
  const std::uint32_t slots = member_count();
  for (Slot slot = 0; slot < slots; ++slot) {
    if (ledger_has(ledger, slot, index)) return true;
  }
  return false;
}

void ledger_copy(Ledger ledger, Slot from, Slot to) noexcept {
  const auto* source = words(ledger, from);
  auto* target = words(ledger, to);
  for (std::uint32_t i = 0, count = word_count(ledger); i < count; ++i) {
    const std::uint64_t bits = source[i].load(std::memory_order_seq_cst);
    if (bits != 0) target[i].fetch_or(bits, std::memory_order_seq_cst);
  }
}

}  // namespace onecopy::memory
