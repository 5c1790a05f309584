#include "channel/locks.hpp"

#include "channel/repair.hpp"

namespace onecopy::channel {
namespace {

std::uint32_t index_of(const ChannelRecord& record) noexcept {
  return static_cast<std::uint32_t>(
      (reinterpret_cast<const std::byte*>(&record) - memory::channel_record(0)) /
      static_cast<std::ptrdiff_t>(memory::kChannelBytes));
}

bool take(memory::OwnerLock& lock, Contend contend, memory::Acquired& acquired) noexcept {
  acquired = contend == Contend::never ? memory::try_lock(lock) : memory::lock(lock);
  return acquired != memory::Acquired::busy;
}

}  // namespace

bool lock_putting(ChannelRecord& record, Contend contend) noexcept {
  memory::Acquired acquired;
  if (!take(record.put_lock, contend, acquired)) return false;
  if (acquired == memory::Acquired::from_dead) repair_putting(index_of(record));
  return true;
}

bool lock_getting(ChannelRecord& record, Contend contend) noexcept {
  memory::Acquired acquired;
  if (!take(record.get_lock, contend, acquired)) return false;
  if (acquired == memory::Acquired::from_dead) repair_getting(index_of(record));
  return true;
}

void lock_putting(ChannelRecord& record) noexcept {
  static_cast<void>(lock_putting(record, Contend::yes));
}

void lock_getting(ChannelRecord& record) noexcept {
  static_cast<void>(lock_getting(record, Contend::yes));
}

}  // namespace onecopy::channel
