#include "build_identity.hpp"

#include "os/build_id.hpp"

namespace onecopy::python {

std::string build_identity() {
  return os::build_id_around(reinterpret_cast<const void*>(&build_identity)) +
         os::build_id_around(reinterpret_cast<const void*>(&os::build_id_around));
}

}  // namespace onecopy::python
