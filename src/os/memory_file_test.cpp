#include "os/memory_file.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/testing.hpp"
#include "os/testing_files.hpp"

namespace onecopy::os {
namespace {

using testing::allocated_bytes;

const std::size_t kPage = page_size();

MemoryFile make(std::size_t pages) { return MemoryFile::create("test", pages * kPage).value(); }

bool is_filled(const std::byte* from, std::size_t length, int value) {
  return std::all_of(from, from + length,
                     [=](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

// What /proc/self/smaps says about the mapping that starts at `address`.
std::string flags_of(const void* address) {
  char start[32];
  std::snprintf(start, sizeof start, "%lx-", reinterpret_cast<unsigned long>(address));
  std::ifstream maps("/proc/self/smaps");
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with(start)) found = true;
    if (found && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

bool is_left_out_of_dumps(const void* address) {
  return flags_of(address).find(" dd ") != std::string::npos;
}

// Files in /dev/shm that carry our name.
int litter() {
  int count = 0;
  if (DIR* const directory = opendir("/dev/shm")) {
    while (const dirent* entry = readdir(directory)) {
      count += std::strncmp(entry->d_name, "onecopy-", 8) == 0 ? 1 : 0;
    }
    closedir(directory);
  }
  return count;
}

bool is_sealed(const MemoryFile& file) {
  const int seals = fcntl(file.descriptor(), F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

TEST(MemoryFile, IsEmptyMemoryOfTheSizeAskedFor) {
  const MemoryFile file = make(3);
  EXPECT_EQ(file.size().value(), 3 * kPage);
  EXPECT_EQ(allocated_bytes(file.descriptor()), 0u);
  EXPECT_TRUE(is_sealed(file));
  EXPECT_FALSE(file.is_bounded());
  EXPECT_EQ(file.room().value(), std::numeric_limits<std::uint64_t>::max());
  std::byte* const memory = map_shared(file.descriptor(), 0, 3 * kPage).value();
  EXPECT_TRUE(is_filled(memory, 3 * kPage, 0));
  unmap(memory, 3 * kPage);
}

TEST(MemoryFile, CannotBeShortenedNorUnsealed) {
  const MemoryFile file = make(2);
  EXPECT_NE(ftruncate(file.descriptor(), static_cast<off_t>(kPage)), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(fcntl(file.descriptor(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_EQ(errno, EPERM);
  const int seals = fcntl(file.descriptor(), F_GET_SEALS);
  EXPECT_EQ(seals & (F_SEAL_SHRINK | F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE),
            F_SEAL_SHRINK | F_SEAL_SEAL);
  EXPECT_EQ(file.size().value(), 2 * kPage);
}

TEST(MemoryFile, ClosesAtExecAndCannotBeExecuted) {
  const MemoryFile file = make(1);
  EXPECT_NE(fcntl(file.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
  struct stat status;
  ASSERT_EQ(fstat(file.descriptor(), &status), 0);
  constexpr int kSealExec = 0x20;
  if ((fcntl(file.descriptor(), F_GET_SEALS) & kSealExec) != 0) {
    EXPECT_EQ(status.st_mode & 0111, 0u);  // Kernels since 6.3.
  }
}

TEST(MemoryFile, TouchingPastTheEndIsABusError) {
  const MemoryFile file = make(1);
  const auto status = testing::run_in_child([&] {
    signal(SIGBUS, SIG_DFL);
    std::byte* const memory = map_shared(file.descriptor(), 0, 2 * kPage).value();
    return static_cast<int>(static_cast<volatile std::byte&>(memory[kPage]));
  });
  EXPECT_EQ(status.signal, SIGBUS);
}

TEST(MemoryFile, IsWrittenThroughTheKernel) {
  MemoryFile file = make(2);
  const std::vector<char> text(kPage, 'x');
  ASSERT_TRUE(file.write_at(kPage / 2, text.data(), text.size()));
  std::byte* const memory = map_shared(file.descriptor(), 0, 2 * kPage).value();
  EXPECT_TRUE(is_filled(memory, kPage / 2, 0));
  EXPECT_TRUE(is_filled(memory + kPage / 2, kPage, 'x'));
  EXPECT_TRUE(is_filled(memory + kPage / 2 + kPage, kPage / 2, 0));
  unmap(memory, 2 * kPage);
}

TEST(MemoryFile, RefusesToWriteWhereNoFileReaches) {
  MemoryFile file = make(1);
  const auto huge = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(file.write_at(huge - 3, "text", 4).error(), Error::invalid);
  EXPECT_EQ(file.write_at(huge / 2, "text", 4).error(), Error::no_memory);
}

TEST(MemoryFile, ReservesPages) {
  MemoryFile file = make(8);
  ASSERT_TRUE(file.reserve(2 * kPage, 3 * kPage));
  EXPECT_EQ(allocated_bytes(file.descriptor()), 3 * kPage);
  EXPECT_EQ(file.size().value(), 8 * kPage);
}

TEST(MemoryFile, GivesPagesBack) {
  MemoryFile file = make(8);
  std::byte* const memory = map_shared(file.descriptor(), 0, 8 * kPage).value();
  std::memset(memory, 7, 8 * kPage);
  ASSERT_EQ(allocated_bytes(file.descriptor()), 8 * kPage);

  ASSERT_TRUE(file.give_back(2 * kPage, 4 * kPage));

  EXPECT_EQ(allocated_bytes(file.descriptor()), 4 * kPage);
  EXPECT_EQ(file.size().value(), 8 * kPage);
  EXPECT_TRUE(is_filled(memory, 2 * kPage, 7));
  EXPECT_TRUE(is_filled(memory + 2 * kPage, 4 * kPage, 0));
  EXPECT_TRUE(is_filled(memory + 6 * kPage, 2 * kPage, 7));
  unmap(memory, 8 * kPage);
}

TEST(MemoryFile, GivesOnlyWholePagesBack) {
  MemoryFile file = make(4);
  std::byte* const memory = map_shared(file.descriptor(), 0, 4 * kPage).value();
  std::memset(memory, 7, 4 * kPage);
  ASSERT_TRUE(file.give_back(kPage - 1, 2 * kPage));
  EXPECT_EQ(allocated_bytes(file.descriptor()), 3 * kPage);
  EXPECT_TRUE(is_filled(memory, kPage, 7));
  EXPECT_TRUE(is_filled(memory + kPage, kPage, 0));
  EXPECT_TRUE(is_filled(memory + 2 * kPage, 2 * kPage, 7));
  ASSERT_TRUE(file.give_back(1, kPage - 2));
  EXPECT_TRUE(is_filled(memory, kPage, 7));
  unmap(memory, 4 * kPage);
}

TEST(MemoryFile, IsAdoptedByWhoReceivesTheDescriptor) {
  MemoryFile file = make(2);
  const MemoryFile adopted = MemoryFile::adopt(duplicate(file.descriptor()).value()).value();
  EXPECT_TRUE(is_sealed(adopted));
  EXPECT_FALSE(adopted.is_bounded());
  ASSERT_TRUE(file.write_at(kPage, "text", 4));
  std::byte* const memory = map_shared(adopted.descriptor(), 0, 2 * kPage).value();
  EXPECT_EQ(std::memcmp(memory + kPage, "text", 4), 0);
  unmap(memory, 2 * kPage);
}

TEST(MemoryFile, AdoptsNothingElse) {
  EXPECT_EQ(MemoryFile::adopt(event_descriptor().value()).error(), Error::invalid);
  EXPECT_EQ(MemoryFile::adopt(Descriptor()).error(), Error::closed);
  Descriptor read_only(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(MemoryFile::adopt(std::move(read_only)).error(), Error::invalid);
}

TEST(MemoryFile, ALimitOnFileSizesIsAValueAndNoSignal) {
  const auto status = testing::run_in_child([] {
    signal(SIGXFSZ, SIG_DFL);
    auto file = make(2);
    const rlimit limit{4 * kPage, 4 * kPage};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto refused = MemoryFile::create("test", 5 * kPage);
    if (refused.error() != Error::no_memory) return 1;
    if (refused.failure().message.find("ulimit -f") == std::string::npos) return 2;
    if (file.write_at(4 * kPage, "x", 1).error() != Error::no_memory) return 3;
    return MemoryFile::create("test", 4 * kPage) ? 0 : 4;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(MemoryFile, ShortageOfDescriptorsIsAValue) {
  const auto status = testing::run_in_child([] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    return MemoryFile::create("test", kPage).error() == Error::too_many ? 0 : 1;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

// The whole of what a family needs, from a file that is no memfd.
int use_without_memfd(int reason) {
  if (!testing::deny_system_calls({SYS_memfd_create}, reason)) return 100;
  auto made = MemoryFile::create("test", 4 * kPage);
  if (!made) return 1;
  MemoryFile& file = *made;
  if (is_sealed(file) || file.size().value() != 4 * kPage) return 2;
  std::byte* const memory = map_shared(file.descriptor(), 0, 4 * kPage).value();
  if (!file.reserve(0, 4 * kPage) || allocated_bytes(file.descriptor()) != 4 * kPage) return 3;
  std::memset(memory, 5, 4 * kPage);
  if (!file.give_back(0, 2 * kPage) || allocated_bytes(file.descriptor()) != 2 * kPage) return 4;
  if (litter() != 0) return 5;
  const auto adopted = MemoryFile::adopt(duplicate(file.descriptor()).value());
  if (!adopted || is_sealed(*adopted) || adopted->is_bounded() != file.is_bounded()) return 6;
  const auto room = file.room();
  if (!room) return 7;
  if (file.is_bounded()) {
    // More than /dev/shm could ever hold is refused when it is reserved, not when it is touched.
    struct statvfs status;
    if (statvfs("/dev/shm", &status) != 0 || *room > status.f_blocks * status.f_frsize) return 8;
    const std::size_t size = status.f_blocks * status.f_frsize + kPage;
    auto large = MemoryFile::create("test", size);
    if (!large) return 9;
    if (large->reserve(0, size).error() != Error::no_memory) return 10;
  }
  return 0;
}

TEST(MemoryFileWithoutMemfd, LivesInDevShmWithoutAName) {
  EXPECT_EQ(testing::run_in_child([] { return use_without_memfd(EPERM); }).as_exit_code(), 0);
  EXPECT_EQ(testing::run_in_child([] { return use_without_memfd(ENOSYS); }).as_exit_code(), 0);
}

TEST(MemoryFileWithoutMemfd, SaysSoWhereThereIsNoOtherWay) {
  const auto status = testing::run_in_child([] {
    if (!testing::deny_system_calls({SYS_memfd_create}, EPERM)) return 100;
    if (!testing::deny_system_calls({SYS_openat, SYS_open}, EACCES)) return 100;
    const auto made = MemoryFile::create("test", kPage);
    if (made.error() != Error::permission) return 1;
    return made.failure().message.find("/dev/shm") != std::string::npos ? 0 : 2;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(Mapping, IsLeftOutOfCoreDumps) {
  const MemoryFile file = make(4);
  std::byte* const memory = map_shared(file.descriptor(), 0, 4 * kPage).value();
  EXPECT_TRUE(is_left_out_of_dumps(memory));
  ASSERT_TRUE(map_private_over(memory, file.descriptor(), 0, 2 * kPage));
  EXPECT_TRUE(is_left_out_of_dumps(memory));
  EXPECT_TRUE(is_left_out_of_dumps(memory + 2 * kPage));
  ASSERT_TRUE(map_shared_over(memory, file.descriptor(), 0, 2 * kPage));
  EXPECT_TRUE(is_left_out_of_dumps(memory));
  unmap(memory, 4 * kPage);
}

TEST(Mapping, MadePrivateInPlaceKeepsContentAndIsolates) {
  const MemoryFile file = make(4);
  std::byte* const shared = map_shared(file.descriptor(), 0, 4 * kPage).value();
  std::byte* const memory = map_shared(file.descriptor(), 0, 4 * kPage).value();
  std::memset(shared, 1, 4 * kPage);

  ASSERT_TRUE(map_private_over(memory + kPage, file.descriptor(), kPage, 2 * kPage));

  EXPECT_TRUE(is_filled(memory, 4 * kPage, 1));
  std::memset(memory, 2, 4 * kPage);
  EXPECT_TRUE(is_filled(shared, kPage, 2));
  EXPECT_TRUE(is_filled(shared + kPage, 2 * kPage, 1));
  EXPECT_TRUE(is_filled(shared + 3 * kPage, kPage, 2));
  std::memset(shared, 3, 4 * kPage);
  EXPECT_TRUE(is_filled(memory + kPage, 2 * kPage, 2));

  ASSERT_TRUE(map_shared_over(memory + kPage, file.descriptor(), kPage, 2 * kPage));
  EXPECT_TRUE(is_filled(memory, 4 * kPage, 3));
  unmap(memory, 4 * kPage);
  unmap(shared, 4 * kPage);
}

TEST(Mapping, MadePrivateInAForkChildDoesNotReachTheParent) {
  const MemoryFile file = make(1);
  std::byte* const memory = map_shared(file.descriptor(), 0, kPage).value();
  std::memset(memory, 1, kPage);
  const auto status = testing::run_in_child([&] {
    if (!map_private_over(memory, file.descriptor(), 0, kPage)) return 1;
    if (!is_filled(memory, kPage, 1)) return 2;
    std::memset(memory, 9, kPage);
    return 0;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
  EXPECT_TRUE(is_filled(memory, kPage, 1));
  unmap(memory, kPage);
}

TEST(Mapping, CopiedInPlaceNeedsNoDescriptorAndIsolates) {
  MemoryFile file = make(3);
  std::byte* const memory = map_shared(file.descriptor(), 0, 3 * kPage).value();
  std::byte* const other = map_shared(file.descriptor(), 0, 3 * kPage).value();
  std::memset(memory, 1, 3 * kPage);
  file = MemoryFile();
  ASSERT_TRUE(copy_over(memory + kPage, kPage));
  std::memset(other, 2, 3 * kPage);
  EXPECT_TRUE(is_filled(memory, kPage, 2));
  EXPECT_TRUE(is_filled(memory + kPage, kPage, 1));
  EXPECT_TRUE(is_filled(memory + 2 * kPage, kPage, 2));
  std::memset(memory + kPage, 3, kPage);
  EXPECT_TRUE(is_filled(other + kPage, kPage, 2));
  EXPECT_TRUE(is_left_out_of_dumps(memory + kPage));
  unmap(memory, 3 * kPage);
  unmap(other, 3 * kPage);
}

TEST(Mapping, ShortageOfAddressesIsAValue) {
  const MemoryFile file = make(1);
  constexpr std::size_t kTooMuch = std::size_t{1} << 60;
  const auto mapped = map_shared(file.descriptor(), 0, kTooMuch);
  EXPECT_EQ(mapped.error(), Error::no_memory);
  EXPECT_NE(mapped.failure().message.find("ulimit -v"), std::string::npos);
}

TEST(Mapping, RefusesWhatIsNoFile) {
  EXPECT_EQ(map_shared(-1, 0, kPage).error(), Error::closed);
  const MemoryFile file = make(1);
  EXPECT_EQ(map_shared(file.descriptor(), 1, kPage).error(), Error::invalid);
}

TEST(Populate, MakesEveryPagePresent) {
  const MemoryFile file = make(8);
  std::byte* const memory = map_shared(file.descriptor(), 0, 8 * kPage).value();
  const bool done = populate(memory, 8 * kPage);
  EXPECT_EQ(allocated_bytes(file.descriptor()), done ? 8 * kPage : 0);
  unmap(memory, 8 * kPage);
}

TEST(Populate, SaysNoPastTheEnd) {
  const MemoryFile file = make(1);
  std::byte* const memory = map_shared(file.descriptor(), 0, 4 * kPage).value();
  EXPECT_FALSE(populate(memory, 4 * kPage));
  unmap(memory, 4 * kPage);
}

}  // namespace
}  // namespace onecopy::os
