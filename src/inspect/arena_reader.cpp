#include "inspect/arena_reader.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <onecopy/version.hpp>

#include "memory/arena.hpp"
#include "os/byte_lock.hpp"
#include "os/descriptor.hpp"

namespace onecopy::inspect {

using memory::ArenaHeader;

namespace {

// Where every layout has them.
struct Identity {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t package_version;
};
static_assert(offsetof(ArenaHeader, layout_version) == offsetof(Identity, layout_version) &&
              offsetof(ArenaHeader, package_version) == offsetof(Identity, package_version));

std::uint32_t at_most(std::uint32_t most, const std::atomic<std::uint32_t>& count) noexcept {
  return std::min(most, count.load(std::memory_order_relaxed));
}

}  // namespace

Result<ArenaReader> ArenaReader::open(int descriptor) {
  ArenaReader reader(descriptor);
  Identity identity;
  reader.read(memory::kHeaderOffset, identity);
  if (!reader.failure_) return std::move(reader.failure_).failure();
  if (identity.magic != memory::kMagic) {
    return Failure{Error::corrupt, 0, "this is no arena of Onecopy"};
  }
  if (identity.layout_version != memory::kLayoutVersion) {
    return Failure{Error::version_mismatch, 0,
                   "the program runs Onecopy " + memory::version_text(identity.package_version) +
                       " (layout " + std::to_string(identity.layout_version) + "), and this is " +
                       std::string(kVersionText) + " (layout " +
                       std::to_string(memory::kLayoutVersion) +
                       "): look at it with the installation that it runs"};
  }
  reader.read_head();
  if (!reader.failure_) return std::move(reader.failure_).failure();
  return reader;
}

void ArenaReader::read_head() {
  ArenaHeader header;
  read(memory::kHeaderOffset, header);
  head_.package_version = header.package_version;
  head_.members = at_most(memory::kMaxMembers, header.member_high_water);
  head_.channels = at_most(memory::kMaxChannels, header.channel_high_water);
  head_.blocks = at_most(memory::kMaxBlocks, header.block_count);
  head_.data_end = std::clamp(header.data_end, memory::kDataOffset,
                              std::max(memory::kDataOffset, header.capacity));
  head_.limit = header.limit;
  head_.resident = header.resident;
  head_.highest_resident = header.highest_resident;
}

bool ArenaReader::holds_data(std::uint64_t offset, std::uint64_t bytes) const noexcept {
  return offset >= memory::kDataOffset && offset <= head_.data_end &&
         bytes <= head_.data_end - offset;
}

bool ArenaReader::is_guard_held(memory::Slot slot) const noexcept {
  const auto held = os::is_byte_held(descriptor_, slot);
  return !held || *held;
}

void ArenaReader::read_bytes(std::uint64_t offset, void* to, std::size_t length) {
  auto* next = static_cast<std::byte*>(to);
  while (length > 0) {
    const auto got = os::read_at(descriptor_, offset, next, length);
    if (got.error() == Error::interrupted) continue;
    if (!got && failure_) failure_ = got.failure();
    if (!got || *got == 0) {
      std::memset(next, 0, length);
      return;
    }
    next += *got;
    offset += *got;
    length -= *got;
  }
}

}  // namespace onecopy::inspect
