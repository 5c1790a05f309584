#include "os/loaded_code.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <link.h>

namespace onecopy::os {

LoadedCode LoadedCode::take() {
  struct Visit {
    std::vector<Range> ranges;
    std::exception_ptr failed;  // the C code in between passes none on
  } visit;
  const auto add = [](dl_phdr_info* info, std::size_t, void* context) -> int {
    auto& [ranges, failed] = *static_cast<Visit*>(context);
    try {
      for (const auto* header = info->dlpi_phdr; header != info->dlpi_phdr + info->dlpi_phnum;
           ++header) {
        if (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0) continue;
        const std::uintptr_t begin = info->dlpi_addr + header->p_vaddr;
        ranges.push_back({begin, begin + header->p_memsz});
      }
    } catch (...) {
      failed = std::current_exception();
      return 1;
    }
    return 0;
  };
  dl_iterate_phdr(add, &visit);
  if (visit.failed) std::rethrow_exception(visit.failed);
  LoadedCode code;
  code.ranges_ = std::move(visit.ranges);
  return code;
}

bool LoadedCode::has(const void* address) const noexcept {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  return std::ranges::any_of(
      ranges_, [place](const Range& each) { return each.begin <= place && place < each.end; });
}

}  // namespace onecopy::os
