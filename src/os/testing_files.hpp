// What tests need to know of files, and a directory that plays the root of another machine's. For
// tests only.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sys/stat.h>

namespace onecopy::os::testing {

// Bytes of the file that take up memory or room now.
inline std::uint64_t allocated_bytes(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) throw std::runtime_error("cannot look at a file");
  constexpr std::uint64_t kStatBlock = 512;
  return static_cast<std::uint64_t>(status.st_blocks) * kStatBlock;
}

// Made on construction, and removed with all that was written.
class FakeRoot {
 public:
  FakeRoot() {
    std::string name = std::filesystem::temp_directory_path() / "onecopy-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory");
    path_ = name;
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  const std::string& path() const { return path_; }

  // Makes or replaces the file of that name as seen from inside, directories and all.
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path file = path_ + name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

 private:
  std::string path_;
};

}  // namespace onecopy::os::testing
