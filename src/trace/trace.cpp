#include "trace/trace.hpp"

#include "memory/family.hpp"
#include "memory/local.hpp"

namespace onecopy::trace {
namespace {

constexpr const char* kNames[kCounters] = {
    "messages_put",  "messages_taken", "pickled",      "buffers_copied", "bytes_copied",
    "buffers_moved", "bytes_moved",    "sleeps",       "wakes",          "serialise_time",
    "copy_time",     "wait_time",      "rebuild_time",
};

}  // namespace

const char* name_of(Counter counter) noexcept {
  return kNames[static_cast<std::uint32_t>(counter)];
}

std::uint64_t read(memory::Slot slot, Counter counter) noexcept {
  return record_of(slot).figures[static_cast<std::uint32_t>(counter)].load(
      std::memory_order_relaxed);
}

}  // namespace onecopy::trace
