#include "inspect.hpp"

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "errors.hpp"
#include "inspect/snapshot.hpp"
#include "memory/arena.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using memory::OwnerState;

constexpr std::size_t kLargest = 8;  // blocks that are told of one by one

template <class Items, class Describe>
nb::list list_of(const Items& items, const Describe& describe) {
  nb::list list;
  for (const auto& item : items) list.append(describe(item));
  return list;
}

nb::dict describe_member(const inspect::Member& member) {
  nb::dict figures;
  for (std::uint32_t i = 0; i < trace::kCounters; ++i) {
    figures[trace::name_of(static_cast<trace::Counter>(i))] = member.figures.at(i);
  }
  nb::dict described;
  described["slot"] = member.slot;
  described["generation"] = member.generation;
  described["pid"] = member.pid;
  described["living"] = member.living;
  described["joined_at"] = member.joined_at;
  described["blocks"] = member.blocks;
  described["bytes"] = member.bytes;
  described["trace"] = figures;
  return described;
}

nb::dict describe_channel(const inspect::Channel& channel) {
  nb::dict described;
  described["index"] = channel.index;
  described["generation"] = channel.generation;
  described["maximum"] = channel.maximum;
  described["maximum_bytes"] = channel.maximum_bytes;
  described["put"] = channel.put;
  described["taken"] = channel.taken;
  described["done"] = channel.done;
  described["waiting"] = channel.waiting;
  described["bytes"] = channel.bytes;
  described["getters_asleep"] = channel.getters_asleep;
  described["putters_asleep"] = channel.putters_asleep;
  described["joiners_asleep"] = channel.joiners_asleep;
  described["holders"] = channel.holders;
  return described;
}

nb::dict describe_seat(const inspect::Seat& seat) {
  nb::dict described;
  described["worker"] = seat.worker;
  described["at"] = seat.at;
  described["taken"] = seat.taken;
  described["started"] = seat.started;
  described["spent"] = seat.spent;
  return described;
}

nb::dict describe_pool(const inspect::Pool& pool) {
  nb::dict described;
  described["block"] = pool.block;
  described["time"] = pool.time;
  described["closing"] = pool.closing;
  described["workers_asleep"] = pool.workers_asleep;
  described["tasks"] = pool.tasks;
  described["answers"] = pool.answers;
  described["seats"] = list_of(pool.seats, describe_seat);
  described["holders"] = pool.holders;
  return described;
}

nb::dict describe_lock(const inspect::HeldLock& lock) {
  nb::dict described;
  described["block"] = lock.block;
  described["time"] = lock.time;
  described["holder"] = lock.holder;
  described["waited_for"] = lock.waited_for;
  return described;
}

const char* name_of(OwnerState state) noexcept {
  switch (state) {
    case OwnerState::putting:
    case OwnerState::taking:
    case OwnerState::held:
      return "held";
    case OwnerState::queued:
      return "queued";
    case OwnerState::frozen:
      return "frozen";
    case OwnerState::shared:
      return "shared";
    case OwnerState::free:
    case OwnerState::part:
      break;
  }
  return "free";
}

nb::dict describe_block(const inspect::Block* block) {
  nb::dict described;
  const char* const state = name_of(block->owner.state());
  described["block"] = block->index;
  described["purpose"] = inspect::name_of(block->purpose);
  described["bytes"] = block->length;
  described["state"] = state;
  described["channel"] = nb::none();
  if (block->owner.state() == OwnerState::queued) described["channel"] = block->owner.channel();
  described["holders"] = block->holders;
  if (state == name_of(OwnerState::held)) {
    described["holders"] = std::vector<memory::Slot>{block->owner.member()};
  }
  return described;
}

std::pair<std::uint32_t, std::uint64_t> pair_of(const inspect::Usage::Sum& sum) {
  return {sum.blocks, sum.bytes};
}

nb::dict describe_usage(const inspect::Usage& usage) {
  nb::dict by_purpose;
  for (std::size_t i = 0; i < inspect::kPurposes; ++i) {
    by_purpose[inspect::name_of(static_cast<memory::Purpose>(i))] = pair_of(usage.by_purpose.at(i));
  }
  nb::dict described;
  described["by_purpose"] = by_purpose;
  described["held"] = pair_of(usage.held);
  described["queued"] = pair_of(usage.queued);
  described["frozen"] = pair_of(usage.frozen);
  described["shared"] = pair_of(usage.shared);
  described["warm"] = pair_of(usage.warm);
  return described;
}

nb::dict inspect_arena(int descriptor) {
  const inspect::Snapshot snapshot =
      value_or_raise(without_gil([&] { return inspect::take_snapshot(descriptor); }));
  nb::dict described;
  described["taken_at"] = snapshot.taken_at;
  described["version"] = memory::version_text(snapshot.head.package_version);
  described["limit"] = snapshot.head.limit;
  described["resident"] = snapshot.head.resident;
  described["highest_resident"] = snapshot.head.highest_resident;
  described["members"] = list_of(snapshot.members, describe_member);
  described["channels"] = list_of(snapshot.channels, describe_channel);
  described["pools"] = list_of(snapshot.pools, describe_pool);
  described["locks"] = list_of(snapshot.locks, describe_lock);
  described["usage"] = describe_usage(snapshot.blocks.usage);
  described["largest"] =
      list_of(inspect::largest(snapshot.blocks.in_use, kLargest), describe_block);
  return described;
}

}  // namespace

void add_inspect_function(nb::module_& module) {
  module.def("inspect", &inspect_arena, nb::arg("descriptor"));
}

}  // namespace onecopy::python
