#include "channel/bell.hpp"

#include <cstdint>

#include "channel/locks.hpp"
#include "memory/family.hpp"
#include "os/descriptor.hpp"

namespace onecopy::channel {

void ring_bell(ChannelRecord& record, int ring_descriptor) noexcept {
  if (record.bell_rung != 0 || ring_descriptor < 0) return;
  // Eight bytes: what an eventfd takes; to a socket it is all the same. Full means rung already,
  // and a closed other end shows to its sender at the next send.
  const std::uint64_t once = 1;
  static_cast<void>(os::write_some(ring_descriptor, &once, sizeof once));
  record.bell_rung = 1;
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
    // Before reading: a death in between leaves a needless ring, not a missing one.
    record.bell_rung = 0;
    std::uint64_t rings[64];
    for (;;) {
      const auto got = os::read_some(hear_descriptor, rings, sizeof rings);
      if (!got) break;
      if (*got == 0) {
        hung_up = true;
        break;
      }
      if (*got < sizeof rings) break;
    }
  }
  memory::unlock(record.put_lock);
  return hung_up;
}

}  // namespace onecopy::channel
