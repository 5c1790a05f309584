// The fuzzer of everything that reads a message: arbitrary bytes, arbitrary blocks.
#include <cstddef>
#include <cstdint>

#include "message/testing_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace onecopy::message::testing;
  read_input(Input::parse({reinterpret_cast<const std::byte*>(data), size}));
  return 0;
}
