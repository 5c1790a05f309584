// The family of include/onecopy/family.hpp.
#include <onecopy/family.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/layout.hpp"

namespace onecopy::family {

static_assert(kMostMembers == onecopy::memory::kMaxMembers);
static_assert(kMostChannels == onecopy::memory::kMaxChannels);

Result<void> join() { return onecopy::memory::join_family(); }

bool joined() noexcept { return onecopy::memory::in_family(); }

std::vector<Member> members() {
  std::vector<Member> all;
  for (const onecopy::memory::MemberUse& use : onecopy::memory::take_census().members) {
    all.push_back({use.pid, use.living, use.blocks, use.bytes});
  }
  return all;
}

Memory memory() {
  const onecopy::memory::Census census = onecopy::memory::take_census();
  return {.in_use = census.in_use,
          .queued = census.queued,
          .shared = census.shared,
          .frozen = census.frozen,
          .warm = census.warm,
          .resident = census.resident,
          .highest_resident = census.highest_resident,
          .limit = census.limit,
          .limit_name = census.limit_name};
}

std::size_t reclaim() noexcept { return onecopy::memory::reclaim_dead(); }

}  // namespace onecopy::family
