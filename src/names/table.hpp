// The names of a family: queues and values that members have published, to be found by any other.
//
// Any thread of any member may call. A name is its publisher's: it is there until the publisher
// withdraws it or ends, and so long the publisher holds what stands under it. Who finds it gets a
// hold of its own, and needs the publisher no more. A forked child publishes and withdraws for
// itself.
//
// The table is changed under a lock of its own, for some tens of nanoseconds, and each change is
// one store. A death at any instruction leaves a name that is there or is not; the names of a dead
// member are there no more, and their places and what they held are free when it is reclaimed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <onecopy/error.hpp>

#include "channel/channel.hpp"
#include "memory/shared.hpp"
#include "message/envelope.hpp"
#include "names/record.hpp"

namespace onecopy::names {

// Error::invalid: the name is no name (empty, too long, no UTF-8), or taken, and by whom.
// Error::too_many: there is no room for more names.
Result<void> publish_queue(std::string_view name, What what, channel::Channel& channel);
// A value, pickle or array, without what is shared, and what is. Each block must be a reference to
// a shared block: these are taken over where it is published, and only there. Error::invalid also
// where the value has memory of its own, or is longer than kLongestBody.
Result<void> publish_value(std::string_view name, What what, std::span<const std::byte> body,
                           std::span<const memory::BlockIndex> blocks);
// Error::not_found; Error::permission: another process has published it.
Result<void> withdraw(std::string_view name);

// What stands under a name, copied out; it holds nothing.
struct Found {
  What what = What::none;
  int publisher = 0;  // its process
  channel::Name channel{};
  std::vector<std::byte> body;
  std::vector<memory::SharedName> shared;

  bool is_queue() const noexcept { return what >= What::queue && what <= What::joinable_queue; }
};
// Error::not_found, which says what names there are. Error::invalid: this process is no member, or
// the name is no name.
Result<Found> look_up(std::string_view name);

// A handle on the queue. Error::closed: it is gone since; look up again. Error::invalid: it is
// none.
Result<channel::Channel> open_queue(std::string_view name, const Found& found);
// What an error says of it: "a queue", and so on.
const char* describe(What what) noexcept;
// References of this process to each shared block, in the order in which they were published.
// Error::closed as above.
Result<std::vector<memory::BlockIndex>> open_shared(const Found& found);

// To be read before look_up() and given to wait_for_change() where that found nothing, so that no
// name is missed. Waits for a slice of 50 ms at the most.
std::uint64_t changes() noexcept;
sync::Wait wait_for_change(std::uint64_t seen, os::Deadline deadline) noexcept;

struct Published {
  std::string name;
  What what;
  int publisher;
};
// Those whose publishers live.
std::vector<Published> all();

// The first invariant of docs/layout/names.md that does not hold, in words; empty: all hold.
std::string validate_names();

}  // namespace onecopy::names
