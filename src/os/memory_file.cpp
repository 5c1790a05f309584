#include "os/memory_file.hpp"

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/limits.hpp"
#include "os/random.hpp"
#include "os/system.hpp"

// Newer than the headers of the oldest systems this builds on.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace onecopy::os {

namespace {

constexpr auto kSharedMemoryDirectory = "/dev/shm";

bool is_denied(int reason) noexcept {
  return reason == EPERM || reason == EACCES || reason == ENOSYS;
}

int open_memfd(const char* name) noexcept {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const long fd = syscall(SYS_memfd_create, name, kFlags | MFD_NOEXEC_SEAL);
  // Kernels before 6.3 do not know MFD_NOEXEC_SEAL.
  if (fd < 0 && errno == EINVAL) return static_cast<int>(syscall(SYS_memfd_create, name, kFlags));
  return static_cast<int>(fd);
}

// A file that never had a name, or whose name is gone at once where the kernel insists on one.
int open_nameless_file() noexcept {
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_EXCL;
  int fd = open(kSharedMemoryDirectory, kFlags | O_TMPFILE, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  char path[64];
  std::snprintf(path, sizeof path, "%s/onecopy-%016llx", kSharedMemoryDirectory,
                static_cast<unsigned long long>(random_u64()));
  fd = open(path, kFlags | O_CREAT | O_NOFOLLOW, 0600);
  if (fd >= 0) unlink(path);
  return fd;
}

// A file made longer than RLIMIT_FSIZE raises SIGXFSZ, which kills: ask first.
Result<void> check_length(std::size_t size) {
  if (size > static_cast<std::size_t>(std::numeric_limits<off_t>::max())) {
    return Failure{Error::no_memory, 0, "no file can be that long"};
  }
  if (size > file_size_limit()) {
    return Failure{Error::no_memory, EFBIG,
                   "shared memory of " + std::to_string(size) +
                       " bytes is above the limit on file sizes (ulimit -f)"};
  }
  return {};
}

// Whether the file system has a size of its own; the one behind memfd has not.
bool has_bounds(int fd) noexcept {
  struct statfs status;
  return fstatfs(fd, &status) != 0 || status.f_blocks != 0;
}

Failure mapping_failure(std::size_t length) {
  const int reason = errno;
  if (reason != ENOMEM) return system_failure(reason, "cannot map shared memory");
  return Failure{Error::no_memory, reason,
                 "cannot map " + std::to_string(length) +
                     " bytes: addresses (ulimit -v) or mappings (vm.max_map_count) have run out"};
}

Result<std::byte*> map(void* address, int fd, std::uint64_t offset, std::size_t length, int flags) {
  void* const mapped = mmap(address, length, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd,
                            static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) return mapping_failure(length);
  // Core dumps leave it out; a kernel that cannot do that dumps it, no more.
  madvise(mapped, length, MADV_DONTDUMP);
  return static_cast<std::byte*>(mapped);
}

Result<void> map_over(std::byte* address, int fd, std::uint64_t offset, std::size_t length,
                      int flags) {
  const auto mapped = map(address, fd, offset, length, flags | MAP_FIXED);
  if (!mapped) return mapped.failure();
  return {};
}

}  // namespace

Result<MemoryFile> MemoryFile::create(const char* name, std::size_t size) {
  if (const auto fits = check_length(size); !fits) return fits.failure();
  Descriptor descriptor(open_memfd(name));
  const bool sealed = descriptor.valid();
  if (!descriptor) {
    const int reason = errno;
    if (!is_denied(reason)) return system_failure(reason, "cannot make shared memory");
    descriptor.reset(open_nameless_file());
    if (!descriptor) {
      return system_failure(errno,
                            "memfd_create is denied here, and no file can be made in /dev/shm");
    }
  }
  if (ftruncate(descriptor.get(), static_cast<off_t>(size)) != 0) {
    return system_failure(errno, "cannot set the size of shared memory");
  }
  if (sealed && fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return system_failure(errno, "cannot seal shared memory");
  }
  const bool bounded = !sealed && has_bounds(descriptor.get());
  return MemoryFile(std::move(descriptor), bounded);
}

Result<MemoryFile> MemoryFile::adopt(Descriptor descriptor) {
  struct stat status;
  if (fstat(descriptor.get(), &status) != 0) return Failure{error_of(errno), errno};
  const int flags = fcntl(descriptor.get(), F_GETFL);
  if (!S_ISREG(status.st_mode) || flags < 0 || (flags & O_ACCMODE) != O_RDWR) {
    return Failure{Error::invalid, 0, "the descriptor is not shared memory"};
  }
  const bool bounded = has_bounds(descriptor.get());
  return MemoryFile(std::move(descriptor), bounded);
}

Result<std::size_t> MemoryFile::size() const {
  struct stat status;
  if (fstat(descriptor(), &status) != 0) return Failure{error_of(errno), errno};
  return static_cast<std::size_t>(status.st_size);
}

Result<std::uint64_t> MemoryFile::room() const {
  if (!bounded_) return std::numeric_limits<std::uint64_t>::max();
  struct statfs status;
  if (fstatfs(descriptor(), &status) != 0) return Failure{error_of(errno), errno};
  return std::uint64_t{status.f_bavail} * static_cast<std::uint64_t>(status.f_bsize);
}

Result<void> MemoryFile::write_at(std::uint64_t offset, const void* from, std::size_t length) {
  std::size_t end;
  if (__builtin_add_overflow(offset, length, &end)) return Error::invalid;
  if (const auto fits = check_length(end); !fits) return fits;
  const auto* next = static_cast<const std::byte*>(from);
  while (length > 0) {
    const ssize_t written = pwrite(descriptor(), next, length, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return system_failure(errno, "cannot write into shared memory");
    }
    next += written;
    offset += static_cast<std::uint64_t>(written);
    length -= static_cast<std::size_t>(written);
  }
  return {};
}

Result<void> MemoryFile::reserve(std::uint64_t offset, std::size_t length) {
  if (length == 0) return {};
  if (fallocate(descriptor(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(length)) == 0) {
    return {};
  }
  if (errno == EINTR) return Failure{Error::interrupted, EINTR};
  return system_failure(errno, "cannot reserve shared memory");
}

Result<void> MemoryFile::give_back(std::uint64_t offset, std::size_t length) {
  const std::uint64_t page = page_size();
  const std::uint64_t first = (offset + page - 1) / page * page;
  const std::uint64_t end = (offset + length) / page * page;
  if (first >= end) return {};
  while (fallocate(descriptor(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   static_cast<off_t>(first), static_cast<off_t>(end - first)) != 0) {
    if (errno != EINTR) return system_failure(errno, "cannot give shared memory back");
  }
  return {};
}

Result<std::byte*> map_shared(int fd, std::uint64_t offset, std::size_t length) {
  return map(nullptr, fd, offset, length, MAP_SHARED);
}

Result<std::byte*> map_private(int fd, std::uint64_t offset, std::size_t length) {
  return map(nullptr, fd, offset, length, MAP_PRIVATE);
}

Result<void> map_private_over(std::byte* address, int fd, std::uint64_t offset,
                              std::size_t length) {
  return map_over(address, fd, offset, length, MAP_PRIVATE);
}

Result<void> map_shared_over(std::byte* address, int fd, std::uint64_t offset, std::size_t length) {
  return map_over(address, fd, offset, length, MAP_SHARED);
}

Result<void> copy_over(std::byte* address, std::size_t length) {
  const auto copy = map(nullptr, -1, 0, length, MAP_PRIVATE | MAP_ANONYMOUS);
  if (!copy) return copy.failure();
  std::memcpy(*copy, address, length);
  if (mremap(*copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, address) != MAP_FAILED) {
    return {};
  }
  Failure failure = mapping_failure(length);
  munmap(*copy, length);
  return failure;
}

void unmap(std::byte* address, std::size_t length) noexcept {
  if (length == 0) return;
  [[maybe_unused]] const int result = munmap(address, length);
  assert(result == 0);
}

bool populate(std::byte* address, std::size_t length) noexcept {
#ifndef MADV_POPULATE_WRITE
  constexpr int MADV_POPULATE_WRITE = 23;
#endif
  return madvise(address, length, MADV_POPULATE_WRITE) == 0;
}

std::size_t page_size() noexcept {
  static const auto kSize = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return kSize;
}

}  // namespace onecopy::os
