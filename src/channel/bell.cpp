#include "channel/bell.hpp"

#include <cstdint>

#include "channel/locks.hpp"
#include "memory/family.hpp"
#include "os/descriptor.hpp"

namespace onecopy::channel {
namespace {

void ring(std::atomic<Rung>& rung, int descriptor) noexcept {
  if (rung.load(std::memory_order_relaxed) == Rung::yes || descriptor < 0) return;
  rung.store(Rung::perhaps, std::memory_order_relaxed);
  // Eight bytes: what an eventfd takes; to a socket it is all the same. Full means rung already,
  // and a closed other end shows to its sender at the next send.
  const std::uint64_t once = 1;
  static_cast<void>(os::write_some(descriptor, &once, sizeof once));
  rung.store(Rung::yes, std::memory_order_relaxed);
}

// True when the other end of the bell is closed everywhere.
bool silence(std::atomic<Rung>& rung, int descriptor) noexcept {
  // Before reading: a death in between leaves a needless ring, not a missing one.
  rung.store(Rung::perhaps, std::memory_order_relaxed);
  bool hung_up = false;
  std::uint64_t rings[64];
  for (;;) {
    const auto got = os::read_some(descriptor, rings, sizeof rings);
    hung_up = got && *got == 0;
    if (!got || *got < sizeof rings) break;
  }
  rung.store(Rung::no, std::memory_order_relaxed);
  return hung_up;
}

}  // namespace

void ring_bell(ChannelRecord& record, int ring_descriptor) noexcept {
  ring(record.bell_rung, ring_descriptor);
}

bool silence_bell_if_empty(ChannelRecord& record, int ring_descriptor,
                           int hear_descriptor) noexcept {
  // A process that is no member has no name to lock by.
  if (hear_descriptor < 0 || !memory::in_family()) return false;
  lock_putting(record);
  bool hung_up = false;
  if (load(record.published).count != load(record.taken).count) {
    // Unrung only if a putter died between publishing and ringing; an eventfd can be rung by who
    // hears it, and another end of a socket rings with its next message or its end.
    ring_bell(record, ring_descriptor);
  } else {
    hung_up = silence(record.bell_rung, hear_descriptor);
  }
  memory::unlock(record.put_lock);
  return hung_up;
}

void ring_room_bell(ChannelRecord& record, int descriptor) noexcept {
  ring(record.room_rung, descriptor);
}

void silence_room_bell_if_full(ChannelRecord& record, int descriptor) noexcept {
  if (descriptor < 0 || !memory::in_family()) return;
  lock_getting(record);
  if (is_full(record)) {
    static_cast<void>(silence(record.room_rung, descriptor));
  } else {
    // A putter that fills the channel from here on silences it in its turn.
    ring_room_bell(record, descriptor);
  }
  memory::unlock(record.get_lock);
}

}  // namespace onecopy::channel
