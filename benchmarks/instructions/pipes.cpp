// A send and the recv of the same value.
#include <onecopy/pipe.hpp>

#include <cstdint>

#include "counted.hpp"

namespace onecopy::instructions {

void count_pipes() {
  auto [here, there] = Pipe<std::uint64_t>();
  count("pipe-int", [&, &here = here, &there = there] {
    here.send(12345);
    static_cast<void>(there.recv());
  });
}

}  // namespace onecopy::instructions
