#include "process/lifelines.hpp"

#include "os/descriptor.hpp"
#include "os/own_descriptors.hpp"

namespace onecopy::process {

Result<std::pair<int, int>> make_lifeline() {
  const os::NoFork no_fork;
  auto pair = os::stream_pair();
  if (!pair) return std::move(pair).failure();
  if (auto noted = no_fork.note(pair->first.get()); !noted) return std::move(noted).failure();
  return std::pair(pair->first.release(), pair->second.release());
}

Result<std::pair<int, int>> lifeline_for(bool daemon) {
  if (!daemon) return std::pair(-1, -1);
  return make_lifeline();
}

void close_lifeline(int kept) noexcept { os::close_own(kept); }

}  // namespace onecopy::process
