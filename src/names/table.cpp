#include "names/table.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "channel/table.hpp"
#include "memory/member.hpp"
#include "memory/reclaim.hpp"
#include "memory/reference.hpp"
#include "message/utf8.hpp"
#include "names/pipes.hpp"
#include "sync/wait.hpp"

namespace onecopy::names {
namespace {

constexpr std::uint32_t kNoEntry = memory::kMaxNames;
constexpr std::size_t kMostTold = 8;  // names in the text of an error

// Nothing of an entry is seen before its one store, so a lock taken over from a dead member needs
// no repair.
class TableLock {
 public:
  TableLock() noexcept { static_cast<void>(memory::lock(head().lock)); }
  // Without waiting for it where that dead member has it.
  explicit TableLock(memory::Ticket dead) noexcept {
    if (!memory::lock_of_dead(head().lock, dead.slot, dead.generation)) {
      static_cast<void>(memory::lock(head().lock));
    }
  }
  ~TableLock() { memory::unlock(head().lock); }
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;
};

// What the functions below take as proof that the lock is held.
using Held = const TableLock&;

// Relaxed: changed and looked at under the lock alone.
std::uint32_t count(Held) noexcept { return head().high_water.load(std::memory_order_relaxed); }

bool is_published(std::uint32_t entry) noexcept {
  return record_of(entry).state.load(std::memory_order_relaxed) == Entry::published;
}

// Release: a death leaves no store without those before it.
void set_state(std::uint32_t entry, Entry state) noexcept {
  record_of(entry).state.store(state, std::memory_order_release);
}

std::string_view name_of(const NameRecord& record) noexcept {
  return {record.name, std::min<std::size_t>(record.name_bytes, kLongestName)};
}

bool lives(const NameRecord& record) noexcept {
  return memory::lives_as(record.slot, record.generation);
}

bool is_mine(const NameRecord& record) noexcept {
  return memory::self_ticket() == memory::Ticket{record.slot, record.generation};
}

std::uint32_t find_name(Held held, std::string_view name) noexcept {
  const std::uint32_t all = count(held);
  for (std::uint32_t entry = 0; entry < all; ++entry) {
    if (is_published(entry) && name_of(record_of(entry)) == name) return entry;
  }
  return kNoEntry;
}

std::uint32_t find_free(Held held) noexcept {
  const std::uint32_t all = count(held);
  for (std::uint32_t entry = 0; entry < all; ++entry) {
    if (!is_published(entry)) return entry;
  }
  return all;
}

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

Result<void> check_name(std::string_view name) {
  if (name.empty()) return Failure{Error::invalid, 0, "a name has at least one character"};
  if (name.size() > kLongestName) {
    return Failure{Error::invalid, 0,
                   "a name has at most " + std::to_string(kLongestName) + " bytes, and " +
                       quoted(name) + " has " + std::to_string(name.size())};
  }
  const bool has_control = std::any_of(name.begin(), name.end(), [](char character) {
    return static_cast<unsigned char>(character) < 0x20 || character == 0x7f;
  });
  if (has_control || !message::is_utf8(name)) {
    return Failure{Error::invalid, 0, "a name is UTF-8 text without control characters"};
  }
  return {};
}

Failure is_taken(std::string_view name, int pid) {
  return {Error::invalid, 0,
          "the name " + quoted(name) + " is taken: process " + std::to_string(pid) +
              " has published it"};
}

// Publishes what `write` writes into a record.
template <class Write>
Result<void> publish(std::string_view name, const Write& write) {
  for (bool reclaimed = false;; reclaimed = true) {
    {
      const TableLock held;
      if (const std::uint32_t taken = find_name(held, name); taken != kNoEntry) {
        const NameRecord& record = record_of(taken);
        if (lives(record)) return is_taken(name, memory::pid_of(record.slot));
        set_state(taken, Entry::free);
      }
      const std::uint32_t entry = find_free(held);
      if (entry < memory::kMaxNames) {
        NameRecord& record = record_of(entry);
        write(record);
        record.slot = memory::self_ticket().slot;
        record.generation = memory::self_ticket().generation;
        record.name_bytes = static_cast<std::uint32_t>(name.size());
        std::memcpy(record.name, name.data(), name.size());
        if (entry == count(held)) {
          head().high_water.store(entry + 1, std::memory_order_relaxed);
        }
        set_state(entry, Entry::published);
        // Sequentially consistent: pairs with a finder that counts itself, then looks.
        head().changes.fetch_add(1, std::memory_order_seq_cst);
        break;
      }
    }
    if (reclaimed) {
      return Failure{
          Error::too_many, 0,
          "the family has " + std::to_string(memory::kMaxNames) + " names already: withdraw some"};
    }
    memory::reclaim_dead();
  }
  sync::wake_all(head().changes, head().finders);
  return {};
}

// What a withdrawn name held, to be let go of.
void let_go(const Found& found, std::span<const std::uint32_t> references) noexcept {
  if (found.is_queue()) channel::let_go_channel(found.channel);
  if (found.what == What::pipe) let_go_pipe(found);
  for (const std::uint32_t reference : references) memory::release_block(reference);
}

Found copy_of(const NameRecord& record) {
  Found found;
  found.what = record.what;
  if (found.is_queue()) {
    found.channel = {record.channel, record.channel_generation};
    return found;
  }
  const std::size_t bytes = std::min<std::size_t>(record.body_bytes, kLongestBody);
  const std::size_t shared = std::min<std::size_t>(record.shared_count, kMostShared);
  found.body.assign(record.body, record.body + bytes);
  found.shared.assign(record.shared, record.shared + shared);
  return found;
}

std::string names_told() {
  const std::vector<Published> published = all();
  if (published.empty()) return "nothing is published";
  std::string text = "there ";
  text += published.size() == 1 ? "is " : "are ";
  for (std::size_t i = 0; i < published.size() && i < kMostTold; ++i) {
    if (i != 0) text += ", ";
    text += quoted(published[i].name);
  }
  if (published.size() > kMostTold) {
    text += " and " + std::to_string(published.size() - kMostTold) + " more";
  }
  return text;
}

Failure not_found(std::string_view name) {
  return {Error::not_found, 0, "there is no name " + quoted(name) + "; " + names_told()};
}

// A dead member: its names are nobody's any more.
void forget_dead(memory::Slot slot, std::uint32_t generation) noexcept {
  const TableLock held({slot, generation});
  const std::uint32_t all = count(held);
  for (std::uint32_t entry = 0; entry < all; ++entry) {
    const NameRecord& record = record_of(entry);
    if (is_published(entry) && record.slot == slot && record.generation == generation) {
      set_state(entry, Entry::free);
    }
  }
  // It may have been asleep here.
  if (sync::anyone(head().finders)) sync::reset(head().finders);
}

// While the program is loaded, as memory/reclaim.hpp asks for.
[[maybe_unused]] const bool hooked = memory::add_reclaim_hook(forget_dead);

}  // namespace

Result<void> publish_queue(std::string_view name, What what, channel::Channel& channel) {
  if (Result<void> good = check_name(name); !good) return good;
  const channel::Name queue = channel.name();
  // Held before it can be found, by this process and not by the handle, which may go.
  if (Result<void> held = channel::hold_channel(queue); !held) return held;
  channel.note_name();
  Result<void> published = publish(name, [&](NameRecord& record) {
    record.what = what;
    record.channel = queue.index;
    record.channel_generation = queue.generation;
    record.body_bytes = 0;
    record.shared_count = 0;
  });
  if (!published) channel::let_go_channel(queue);
  return published;
}

Result<void> publish_value(std::string_view name, What what, std::span<const std::byte> body,
                           std::span<const memory::BlockIndex> blocks) {
  if (Result<void> good = check_name(name); !good) return good;
  if (Result<void> joined = memory::join_family(); !joined) return joined;
  const auto has_memory = [](memory::BlockIndex block) {
    return memory::named_by(block).block == memory::kNoBlock;
  };
  if (body.size() > kLongestBody || std::any_of(blocks.begin(), blocks.end(), has_memory)) {
    return Failure{Error::invalid, 0,
                   "a value of this size cannot be published: only what is shared, as by share(), "
                   "and some " +
                       std::to_string(kLongestBody) + " bytes beside"};
  }
  if (blocks.size() > kMostShared) {
    return Failure{Error::invalid, 0,
                   "a published value has at most " + std::to_string(kMostShared) +
                       " shared parts, and this one has " + std::to_string(blocks.size())};
  }
  return publish(name, [&](NameRecord& record) {
    record.what = what;
    record.body_bytes = static_cast<std::uint32_t>(body.size());
    std::memcpy(record.body, body.data(), body.size());
    record.shared_count = static_cast<std::uint32_t>(blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      record.references[i] = blocks[i];
      record.shared[i] = memory::named_by(blocks[i]);
    }
  });
}

Result<void> withdraw(std::string_view name) {
  if (!memory::in_family()) return not_found(name);
  Found found;
  std::array<std::uint32_t, kMostShared> references{};
  int publisher = 0;
  {
    const TableLock held;
    const std::uint32_t entry = find_name(held, name);
    if (entry != kNoEntry) {
      const NameRecord& record = record_of(entry);
      if (lives(record)) publisher = memory::pid_of(record.slot);
      if (is_mine(record)) {
        found = copy_of(record);
        std::copy_n(record.references, kMostShared, references.begin());
        set_state(entry, Entry::free);
      }
    }
  }
  if (publisher == 0) return not_found(name);
  if (found.what == What::none) {
    return Failure{Error::permission, 0,
                   "the name " + quoted(name) + " is for process " + std::to_string(publisher) +
                       " to withdraw, which has published it"};
  }
  let_go(found, std::span(references).first(found.shared.size()));
  return {};
}

Result<Found> look_up(std::string_view name) {
  if (Result<void> good = check_name(name); !good) return std::move(good).failure();
  if (!memory::in_family()) {
    return Failure{Error::invalid, 0,
                   "this process is in no family, in which there could be a name " + quoted(name)};
  }
  std::optional<Found> found;
  memory::Ticket publisher;
  {
    const TableLock held;
    const std::uint32_t entry = find_name(held, name);
    if (entry != kNoEntry) {
      const NameRecord& record = record_of(entry);
      found = copy_of(record);
      publisher = {record.slot, record.generation};
    }
  }
  if (!found || !memory::lives_as(publisher.slot, publisher.generation)) return not_found(name);
  found->publisher = memory::pid_of(publisher.slot);
  return std::move(*found);
}

const char* describe(What what) noexcept {
  switch (what) {
    case What::queue:
    case What::simple_queue:
    case What::joinable_queue:
      return "a queue";
    case What::value:
      return "a value";
    case What::pickle:
      return "a pickle, which only Python reads";
    case What::array:
      return "an Array of C++";
    case What::pipe:
      return "an end of a pipe";
    case What::none:
      break;
  }
  return "nothing that is known";
}

Result<channel::Channel> open_queue(std::string_view name, const Found& found) {
  if (!found.is_queue()) {
    return Failure{Error::invalid, 0,
                   quoted(name) + " names " + describe(found.what) + ", not a queue"};
  }
  return channel::Channel::open(found.channel);
}

Result<std::vector<memory::BlockIndex>> open_shared(const Found& found) {
  std::vector<memory::BlockIndex> references;
  references.reserve(found.shared.size());
  Result<void> opened;
  for (const memory::SharedName shared : found.shared) {
    opened = memory::hold_shared(shared);
    if (!opened) break;
    const auto reference = memory::make_reference(shared);
    memory::let_go_shared(shared);
    if (reference) {
      references.push_back(*reference);
      continue;
    }
    opened = reference.failure();
    break;
  }
  if (opened) return references;
  for (const memory::BlockIndex reference : references) memory::release_block(reference);
  return std::move(opened).failure();
}

// Sequentially consistent: pairs with publish().
std::uint64_t changes() noexcept {
  return memory::in_family() ? head().changes.load(std::memory_order_seq_cst) : 0;
}

sync::Wait wait_for_change(std::uint64_t seen, os::Deadline deadline) noexcept {
  const auto changed = [seen] { return changes() != seen; };
  return sync::sleep_on(head().changes, head().finders, changed, deadline);
}

std::vector<Published> all() {
  std::vector<Published> published;
  if (!memory::in_family()) return published;
  std::vector<memory::Ticket> publishers;
  {
    const TableLock held;
    const std::uint32_t entries = count(held);
    for (std::uint32_t entry = 0; entry < entries; ++entry) {
      if (!is_published(entry)) continue;
      const NameRecord& record = record_of(entry);
      published.push_back({std::string(name_of(record)), record.what, 0});
      publishers.push_back({record.slot, record.generation});
    }
  }
  std::vector<Published> living;
  for (std::size_t i = 0; i < published.size(); ++i) {
    if (!memory::lives_as(publishers[i].slot, publishers[i].generation)) continue;
    published[i].publisher = memory::pid_of(publishers[i].slot);
    living.push_back(std::move(published[i]));
  }
  return living;
}

}  // namespace onecopy::names
