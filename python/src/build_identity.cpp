#include "build_identity.hpp"

#include "memory/family.hpp"
#include "os/build_id.hpp"

namespace onecopy::python {

std::string build_identity() {
  return os::build_id_around(reinterpret_cast<const void*>(&build_identity)) +
         os::build_id_around(reinterpret_cast<const void*>(&memory::in_family));
}

}  // namespace onecopy::python
