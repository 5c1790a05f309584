#include "os/process_maps.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "os/proc_path.hpp"
#include "os/system.hpp"

namespace onecopy::os {

namespace {

template <class Number>
Number number_in(std::string_view text, int base) noexcept {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

// Cuts the next word off.
std::string_view next_word(std::string_view& line) noexcept {
  const std::size_t length = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, length);
  line.remove_prefix(std::min(length + 1, line.size()));
  return word;
}

// "start-end rights offset major:minor inode   path"
bool is_of(std::string_view line, const FileIdentity& file) noexcept {
  for (int i = 0; i < 3; ++i) next_word(line);
  const std::string_view device = next_word(line);
  const std::string_view inode = next_word(line);
  const std::size_t colon = device.find(':');
  if (colon == std::string_view::npos) return false;
  return number_in<std::uint64_t>(inode, 10) == file.inode &&
         makedev(number_in<unsigned>(device.substr(0, colon), 16),
                 number_in<unsigned>(device.substr(colon + 1), 16)) == file.device;
}

}  // namespace

Result<bool> has_mapped(pid_t pid, const FileIdentity& file) noexcept {
  const Descriptor maps(open(ProcPath(pid, "maps").text(), O_RDONLY | O_CLOEXEC));
  if (!maps) return Failure{errno == ENOENT ? Error::closed : error_of(errno), errno};
  char text[4096];
  std::size_t kept = 0;        // bytes of an unfinished line, at the front of `text`
  bool in_the_middle = false;  // of a line whose beginning was looked at already
  bool nothing_read = true;
  for (;;) {
    const auto got = read_some(maps.get(), text + kept, sizeof text - kept);
    if (got.error() == Error::interrupted) continue;
    if (!got) return got.failure();
    if (*got == 0) {
      if (nothing_read) return Error::closed;
      return false;
    }
    nothing_read = false;
    std::string_view rest(text, kept + *got);
    for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos;) {
      if (!in_the_middle && is_of(rest.substr(0, end), file)) return true;
      in_the_middle = false;
      rest.remove_prefix(end + 1);
    }
    if (rest.size() == sizeof text) {
      // A path longer than the buffer: all that counts stands before it.
      if (!in_the_middle && is_of(rest, file)) return true;
      in_the_middle = true;
      rest = {};
    }
    std::memmove(text, rest.data(), rest.size());
    kept = rest.size();
  }
}

}  // namespace onecopy::os
