// Addresses that mean the same to every process which has loaded the same program and libraries,
// wherever the system has put these.
//
// Any thread may call these; nothing is shared.
#pragma once

#include <cstdint>
#include <string>

#include <onecopy/error.hpp>

namespace onecopy::os {

struct ModuleAddress {
  std::string module;    // the library's path; empty: the program itself
  std::string build_id;  // see build_id.hpp
  std::uint64_t offset;  // from where it is loaded
};

// Error::invalid: nothing that is loaded has the address.
Result<ModuleAddress> locate(const void* address);

// The same place in this process. Error::not_found: that library is not loaded here, or another
// build of it, or the place is none of its code.
Result<const void*> find_code(const ModuleAddress& address);

}  // namespace onecopy::os
