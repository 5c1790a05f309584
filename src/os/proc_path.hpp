// Names of files below /proc, without allocating: for whoever may run in a fork child or in a
// signal handler. A plain value; anybody may make one.
#pragma once

#include <cassert>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <sys/types.h>

namespace onecopy::os {

class ProcPath {
 public:
  // "/proc/<pid>/<leaf>"
  ProcPath(pid_t pid, std::string_view leaf) noexcept {
    append("/proc/");
    append(pid);
    append("/");
    append(leaf);
  }
  // What a descriptor of this process stands for. The thread's own folder: that of the process is
  // empty once its first thread has ended.
  static ProcPath of_descriptor(int fd) noexcept {
    ProcPath path;
    path.append("/proc/thread-self/fd/");
    path.append(fd);
    return path;
  }

  const char* text() const noexcept { return text_; }

 private:
  ProcPath() noexcept = default;

  void append(std::string_view part) noexcept {
    assert(length_ + part.size() < sizeof text_);
    std::memcpy(text_ + length_, part.data(), part.size());
    length_ += part.size();
  }
  void append(int number) noexcept {
    char digits[16];
    const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }

  char text_[64] = {};
  std::size_t length_ = 0;
};

}  // namespace onecopy::os
