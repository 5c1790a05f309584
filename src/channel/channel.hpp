// A channel: messages in order, from any number of putters to any number of getters, across
// processes. The ground of queues and of each direction of a pipe.
//
// All of it lies in the arena; a Channel is this process's handle. Any thread of any member may
// call any function. A death at any instruction leaves a message whole and queued, or not there at
// all; a lock that the dead held is taken over by the next caller, which first repairs
// (docs/layout/channel.md). Nothing here waits for room or for a message unless its name says wait.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <onecopy/error.hpp>

#include "memory/block.hpp"
#include "memory/family.hpp"
#include "message/envelope.hpp"
#include "os/clock.hpp"
#include "sync/spin.hpp"
#include "sync/wait.hpp"

namespace onecopy::channel {

inline constexpr std::size_t kInlineBody = 4096;  // longer bodies travel in a block

// What a message is, for its reader; a channel carries any, also those that do not exist.
using Kind = message::Kind;

// A message about to be put. The blocks must be held by this process and have no views
// (memory::surrender_view); on success they belong to the channel, on any other outcome they are
// still the caller's.
struct Outgoing {
  Kind kind{};
  std::span<const std::byte> body;
  std::span<const memory::BlockIndex> blocks;
};

// A message taken. The blocks are held by this process and the caller must retain_view() or
// release_block() each of them. `body` points into `inline_body` or into `body_block`, which the
// destructor, or the next message taken into the same place, releases.
class Incoming {
 public:
  Incoming() = default;
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  Kind kind{};
  std::span<const std::byte> body;
  std::vector<memory::BlockIndex> blocks;

  // Releases every block still listed (a message nobody wants, or of which all has been read).
  void discard() noexcept;
  // Lets go of the blocks that a reader keeps (message::keep_block): they are the reader's alone.
  void let_go_of_kept() noexcept;

 private:
  friend class Channel;
  bool unfold(memory::BlockIndex outline);
  void keep_body_in(memory::BlockIndex outline) noexcept;
  void reset() noexcept;

  alignas(16) std::byte inline_body_[kInlineBody];
  memory::BlockIndex body_block_ = memory::kNoBlock;
};

enum class Put : std::uint8_t { done, full, busy, no_memory, closed };
enum class Get : std::uint8_t { done, empty, busy, corrupt, closed };
using Wait = sync::Wait;
// How long a call may stand at a lock that another holds: `never` answers busy at once after a
// short spin (for a caller that holds an interpreter lock), `yes` sleeps.
enum class Contend : std::uint8_t { never, yes };

struct Options {
  std::uint32_t maximum = 0;        // messages; 0: bounded by memory only
  std::uint64_t maximum_bytes = 0;  // bytes in flight, at least one message always; 0: no bound
};

// Names a channel for other members: plain data, valid in the family only.
struct Name {
  std::uint32_t index;
  std::uint32_t generation;
};

// A message's number is its place in the channel, counted from 0 on, modulo 2^32.
//
// A notice is a word of shared memory of a getter's own. In it stands which message the getter is
// about to take, before that is taken: who finds a message taken finds it noted. A getter that dies
// in between leaves the note of a message that the next getter has.
using Notice = std::atomic<std::uint64_t>;

// What stands in a notice; 0: nothing.
constexpr std::uint64_t note_of(std::uint32_t number) { return (std::uint64_t{1} << 32) | number; }
constexpr std::optional<std::uint32_t> number_in(std::uint64_t note) {
  if (note == 0) return std::nullopt;
  return static_cast<std::uint32_t>(note);
}

// After Put::no_memory: which limit. The last such put of this thread, into whatever channel.
const Failure& last_put_failure() noexcept;

class Channel {
 public:
  static Result<Channel> create(Options options);
  // A further handle in this process, or the first in a process that was told the name.
  // Error::closed where the channel is gone.
  static Result<Channel> open(Name name);

  Channel() noexcept;
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&& other) noexcept;
  // The last handle of the last member frees the channel and what lies in it.
  ~Channel();

  bool valid() const noexcept;
  Name name() const noexcept { return {index_, generation_}; }

  // Makes the member of a reserved place a holder too, before it is born.
  void hold_for(memory::Slot slot) noexcept;

  // Makes these the doorbell of this handle: an eventfd (both the same) or the two ends of a socket
  // pair. Not owned. -1: none.
  void set_bell(int ring_descriptor, int hear_descriptor) noexcept;
  // From now on the doorbell is readable exactly while a message waits.
  void keep_bell_level() noexcept;
  // Makes an eventfd the bell for room of this handle on a bounded channel. Not owned. -1: none.
  void set_room_bell(int descriptor) noexcept;
  // From now on the bell for room is readable exactly while the channel is not full.
  void keep_room_bell_level() noexcept;

  // May be called before a try_put(), as soon as it is known that there will be one: what that will
  // write to is fetched meanwhile.
  void expect_put() noexcept;

  // Says that members without a bell may come to have it, who put and take without ringing: whoever
  // watches a bell of it is to look by himself as well, from time to time. Rings both bells of this
  // handle, so that who watches already learns of it.
  void note_name() noexcept;
  bool has_name() const noexcept;

  // `number` is set before anybody can take the message.
  Put try_put(const Outgoing& message, Contend contend, std::uint32_t* number = nullptr) noexcept;
  Get try_get(Incoming& message, Contend contend, Notice* notice = nullptr) noexcept;

  // Returns ready when a get (a put) may succeed, at the latest after one slice of 50 ms (then
  // timed_out, and the caller looks at its signals and its own deadline, and calls again). Spins
  // first while that pays, then sleeps on a futex.
  Wait wait_for_message(os::Deadline deadline) noexcept;
  Wait wait_for_room(os::Deadline deadline) noexcept;
  // The same, asleep in poll() on the doorbell (`hear_descriptor`) instead; `hung_up` is set when
  // the other side of the socket pair is closed everywhere.
  Wait wait_for_bell(os::Deadline deadline, bool& hung_up) noexcept;

  // Messages waiting now; approximate as soon as anybody else uses the channel.
  std::uint32_t size() const noexcept;
  bool full() const noexcept;
  // The same for who was called by a bell: one that rings without cause, because somebody died who
  // had rung it, is silent afterwards.
  bool has_message() noexcept;
  bool has_room() noexcept;
  // How many messages have been taken, modulo 2^32: the number of the next. Waits for the getter at
  // work, and repairs what a dead one left.
  std::uint32_t taken() noexcept;
  std::uint32_t maximum() const noexcept;

  // Work that was put and not yet reported done (JoinableQueue).
  bool task_done() noexcept;  // false: called more often than there were messages
  bool all_done() const noexcept;
  Wait wait_for_all_done(os::Deadline deadline) noexcept;

  // Checks every invariant of the layout page; the text of the first that does not hold, or empty.
  std::string validate() const;

 private:
  friend class Putter;
  struct Spins;
  struct Entry;

  Channel(std::uint32_t index, std::uint32_t generation);

  Put put_entry(const Entry& entry, Contend contend, std::uint32_t* number) noexcept;
  // What is too large for a segment.
  Put put_outlined(const Outgoing& message, std::uint32_t weight, Contend contend,
                   std::uint32_t* number) noexcept;

  std::uint32_t index_ = memory::kNoChannel;
  std::uint32_t generation_ = 0;
  int ring_descriptor_ = -1;
  int hear_descriptor_ = -1;
  int room_descriptor_ = -1;
  std::unique_ptr<Spins> spins_;
};

}  // namespace onecopy::channel
