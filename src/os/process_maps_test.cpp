#include "os/process_maps.hpp"

#include <filesystem>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/memory_file.hpp"
#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;

class ProcessMaps : public ::testing::Test {
 protected:
  bool has_mapped(pid_t pid) const {
    return os::has_mapped(pid, identify(file.descriptor()).value()).value();
  }
  MemoryFile file = std::move(MemoryFile::create("test", 1 << 20).value());
};

TEST_F(ProcessMaps, TellsWhetherAFileIsMappedAndNoLonger) {
  EXPECT_FALSE(has_mapped(getpid()));
  std::byte* const base = map_shared(file.descriptor(), 0, 1 << 20).value();
  EXPECT_TRUE(has_mapped(getpid()));
  ASSERT_TRUE(map_private_over(base, file.descriptor(), 0, 1 << 20));
  EXPECT_TRUE(has_mapped(getpid())) << "privately counts too";
  unmap(base, 1 << 20);
  EXPECT_FALSE(has_mapped(getpid()));
}

TEST_F(ProcessMaps, FindsItBehindMoreLinesThanFitABuffer) {
  std::byte* const base = map_shared(file.descriptor(), 0, 1 << 20).value();
  // Pages that may be written turn by turn, so that each is a line of its own, below the file's.
  constexpr std::size_t kLength = 4096 * 400;
  void* const pages = mmap(nullptr, kLength, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  auto* const many = static_cast<std::byte*>(pages);
  for (int i = 0; i < 400; i += 2) {
    ASSERT_EQ(mprotect(many + i * 4096, 4096, PROT_READ), 0);
  }
  EXPECT_TRUE(has_mapped(getpid()));
  unmap(many, kLength);
  unmap(base, 1 << 20);
}

TEST_F(ProcessMaps, IsNotLedAstrayByALongPath) {
  namespace fs = std::filesystem;
  const fs::path top = fs::temp_directory_path() / ("onecopy-maps-" + std::to_string(getpid()));
  fs::path folder = top;
  while (folder.native().size() < 3800) folder /= std::string(200, 'x');
  fs::create_directories(folder);
  const std::string path = folder / "file";
  const Descriptor named(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(named.valid());
  ASSERT_EQ(ftruncate(named.get(), 4096), 0);
  std::byte* const page = map_shared(named.get(), 0, 4096).value();
  std::byte* const base = map_shared(file.descriptor(), 0, 1 << 20).value();
  EXPECT_TRUE(has_mapped(getpid()));
  EXPECT_TRUE(os::has_mapped(getpid(), identify(named.get()).value()).value());
  unmap(base, 1 << 20);
  EXPECT_FALSE(has_mapped(getpid()));
  unmap(page, 4096);
  fs::remove_all(top);
}

TEST_F(ProcessMaps, SeesAFileLostAtExec) {
  const auto ends = pipe_pair().value();
  std::byte* const base = map_shared(file.descriptor(), 0, 1 << 20).value();
  Child child([&] {
    char go;
    if (!read_some(ends.first.get(), &go, 1)) return 1;
    dup2(ends.first.get(), 0);
    execl("/bin/cat", "cat", nullptr);
    return 1;
  });
  EXPECT_TRUE(has_mapped(child.pid()));
  ASSERT_TRUE(write_some(ends.second.get(), "!", 1));
  const FileIdentity lost = identify(file.descriptor()).value();
  // In the middle of its exec it has let go of all its memory.
  auto mapped = os::has_mapped(child.pid(), lost);
  for (; !mapped || *mapped; mapped = os::has_mapped(child.pid(), lost)) {
    if (!mapped) {
      ASSERT_EQ(mapped.error(), Error::closed);
    }
  }
  EXPECT_EQ(wait_process(child.pid(), Deadline::at(0)).error(), Error::timed_out)
      << "it runs on as cat";
  unmap(base, 1 << 20);
}

TEST_F(ProcessMaps, SaysThatThereIsNoSuchProcess) {
  EXPECT_EQ(os::has_mapped(0x3fffffff, {}).error(), Error::closed);
}

}  // namespace
}  // namespace onecopy::os
