#include "memory/housekeeping.hpp"

#include "memory/books.hpp"
#include "memory/local.hpp"

namespace onecopy::memory {
namespace {

constexpr os::Nanoseconds kIdleAge = 5 * os::kSecond;
constexpr os::Nanoseconds kInterval = os::kSecond;

void give_back_pages(BlockIndex block) noexcept {
  BlockRecord& record = block_record(block);
  // To odd first: a death in between means one needless copy through the kernel.
  record.page_generation.fetch_or(1, std::memory_order_relaxed);
  if (arena_descriptor() >= 0 && local().file.give_back(record.offset, record.capacity)) {
    Books().put_back_cold(block);
  } else {
    Books().put_back(block);
  }
}

}  // namespace

void give_back_idle(os::Nanoseconds age) noexcept {
  const os::Nanoseconds until = os::now() - age;
  for (;;) {
    const BlockIndex block = Books().take_idle(static_cast<std::uint64_t>(until));
    if (block == kNoBlock) return;
    give_back_pages(block);
  }
}

void housekeep() noexcept {
  // Relaxed: the exchange decides who works; a stale read only skips or repeats a look.
  std::uint64_t last = header().housekept_at.load(std::memory_order_relaxed);
  const auto now = static_cast<std::uint64_t>(os::now());
  if (now - last < static_cast<std::uint64_t>(kInterval)) return;
  if (!header().housekept_at.compare_exchange_strong(last, now, std::memory_order_relaxed)) return;
  give_back_idle(kIdleAge);
}

}  // namespace onecopy::memory
