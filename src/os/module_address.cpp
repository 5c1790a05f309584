#include "os/module_address.hpp"

#include <link.h>

#include <utility>

#include "os/build_id.hpp"

namespace onecopy::os {
namespace {

bool lies_in(const dl_phdr_info& module, std::uintptr_t address, ElfW(Word) flags) noexcept {
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const auto& segment = module.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & flags) != flags) continue;
    if (address - (module.dlpi_addr + segment.p_vaddr) < segment.p_memsz) return true;
  }
  return false;
}

// Until `look` says that this is it.
template <class Look>
bool find_module(const Look& look) {
  return dl_iterate_phdr(
             [](dl_phdr_info* module, std::size_t, void* given) -> int {
               return (*static_cast<const Look*>(given))(*module) ? 1 : 0;
             },
             const_cast<void*>(static_cast<const void*>(&look))) != 0;
}

const char* name_of(const ModuleAddress& address) {
  return address.module.empty() ? "the program" : address.module.c_str();
}

}  // namespace

Result<ModuleAddress> locate(const void* address) {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  const char* name = nullptr;  // lives as long as the module is loaded
  std::uintptr_t base = 0;
  const bool found = find_module([&](const dl_phdr_info& module) noexcept {
    if (!lies_in(module, place, 0)) return false;
    name = module.dlpi_name;
    base = module.dlpi_addr;
    return true;
  });
  if (!found) return Failure{Error::invalid, 0, "it lies in nothing that is loaded"};
  return ModuleAddress{name, build_id_around(address), place - base};
}

Result<const void*> find_code(const ModuleAddress& address) {
  std::uintptr_t place = 0;
  bool is_code = false;
  const bool found = find_module([&](const dl_phdr_info& module) noexcept {
    if (address.module != module.dlpi_name) return false;
    place = module.dlpi_addr + address.offset;
    is_code = lies_in(module, place, PF_X);
    return true;
  });
  if (!found) {
    return Failure{Error::not_found, 0, std::string(name_of(address)) + " is not loaded"};
  }
  const auto* const code = reinterpret_cast<const void*>(place);
  if (!is_code || build_id_around(code) != address.build_id) {
    return Failure{Error::not_found, 0, std::string(name_of(address)) + " is of another build"};
  }
  return code;
}

}  // namespace onecopy::os
