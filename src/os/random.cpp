#include "os/random.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/random.h>

#include "os/descriptor.hpp"

namespace onecopy::os {

namespace {

// For containers that deny getrandom.
bool read_device(std::uint64_t* value) noexcept {
  const Descriptor device(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
  if (!device) return false;
  for (;;) {
    const auto length = read_some(device.get(), value, sizeof *value);
    if (length) return *length == sizeof *value;
    if (length.error() != Error::interrupted) return false;
  }
}

}  // namespace

std::uint64_t random_u64() noexcept {
  std::uint64_t value;
  ssize_t length;
  do {
    // Requests of up to 256 bytes are never answered in part.
    length = getrandom(&value, sizeof value, 0);
  } while (length < 0 && errno == EINTR);
  if (length == sizeof value || read_device(&value)) return value;
  std::fputs("onecopy: neither getrandom() nor /dev/urandom gives random numbers\n", stderr);
  std::abort();
}

}  // namespace onecopy::os
