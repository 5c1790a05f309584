#include "family.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include "allocator.hpp"
#include "errors.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"
#include "os/lifeline.hpp"
#include "process/lifelines.hpp"
#include "sync/lock.hpp"
#include "sync/semaphore.hpp"
#include "trace/trace.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using memory::Ticket;

std::pair<std::uint32_t, std::uint32_t> reserve_place() {
  value_or_raise(memory::join_family());
  const Ticket ticket = value_or_raise(memory::reserve_place());
  return {ticket.slot, ticket.generation};
}

nb::dict use_of(const memory::MemberUse& member) {
  nb::dict use;
  use["slot"] = member.slot;
  use["pid"] = member.pid;
  use["living"] = member.living;
  use["blocks"] = member.blocks;
  use["bytes"] = member.bytes;
  return use;
}

nb::dict memory_use() {
  memory::Census census;
  if (memory::in_family()) without_gil([&] { census = memory::take_census(); });
  nb::dict use;
  use["in_use"] = census.in_use;
  use["warm"] = census.warm;
  use["resident"] = census.resident;
  use["highest_resident"] = census.highest_resident;
  use["limit"] = census.limit;
  use["limit_name"] = census.limit_name;
  use["blocks_in_use"] = census.blocks_in_use;
  use["queued"] = census.queued;
  use["queued_blocks"] = census.queued_blocks;
  use["frozen"] = census.frozen;
  use["shared"] = census.shared;
  nb::list members;
  for (const memory::MemberUse& member : census.members) members.append(use_of(member));
  use["members"] = members;
  return use;
}

nb::dict trace_figures() {
  nb::dict figures;
  for (std::uint32_t i = 0; i < trace::kCounters; ++i) {
    const auto counter = static_cast<trace::Counter>(i);
    const std::uint64_t figure =
        memory::in_family() ? trace::read(memory::self(), counter) : std::uint64_t{0};
    figures[trace::name_of(counter)] = figure;
  }
  return figures;
}

}  // namespace

void add_family_functions(nb::module_& module) {
  module.def("join_family", [] { value_or_raise(memory::join_family()); });
  module.def("in_family", &memory::in_family);
  module.def("family_secret", [] {
    value_or_raise(memory::join_family());
    return nb::bytes(memory::header().secret, sizeof memory::header().secret);
  });
  module.def("family_descriptor", [] { return value_or_raise(memory::family_descriptor()); });
  module.def("reserve_place", &reserve_place);
  module.def(
      "release_place",
      [](memory::Slot slot, std::uint32_t generation) {
        memory::release_place({slot, generation});
      },
      nb::arg("slot"), nb::arg("generation"));
  module.def(
      "name_newcomer",
      [](memory::Slot slot, std::uint32_t generation, int pid) {
        memory::name_newcomer({slot, generation}, pid);
      },
      nb::arg("slot"), nb::arg("generation"), nb::arg("pid"));
  module.def(
      "adopt",
      [](int descriptor, memory::Slot slot, std::uint32_t generation) {
        value_or_raise(memory::adopt(descriptor, {slot, generation}));
      },
      nb::arg("descriptor"), nb::arg("slot"), nb::arg("generation"));
  module.def("leave_locks_held", [] {
    sync::leave_locks_held();
    sync::leave_units_taken();
  });
  module.def("reclaim_dead", [] { return without_gil(memory::reclaim_dead); });

  module.def("lifeline_pair", [] { return value_or_raise(process::make_lifeline()); });
  module.def("close_lifeline", &process::close_lifeline, nb::arg("kept"));
  module.def(
      "arm_lifeline", [](int descriptor) { value_or_raise(os::arm_lifeline(descriptor)); },
      nb::arg("descriptor"));

  module.def("memory", &memory_use);
  module.def("trace", &trace_figures);
  module.def("install_allocator", &install_allocator);
  module.def("want_allocator", &want_allocator);
}

}  // namespace onecopy::python
