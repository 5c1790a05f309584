// One file of shared memory without a name, and the ways to map it.
//
// Who may call: any thread of any process that holds the descriptor or the mapping. The length is
// what it was made with: a sparse file costs nothing where nobody touched it, and as it never
// shrinks nobody's mapping loses its pages.
// The pages live as long as any process holds the descriptor or a mapping: a death leaves nothing.
//
// Where memfd is denied the file is one without a name in /dev/shm. That one is not sealed, and
// touching a page that does not fit into /dev/shm is SIGBUS: is_bounded() tells, and then every
// page must be reserve()d before it is touched.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/descriptor.hpp"

namespace onecopy::os {

class MemoryFile {
 public:
  MemoryFile() noexcept = default;

  // `name` shows in /proc/<pid>/maps and nowhere else. Errors: no_memory, too_many, permission.
  static Result<MemoryFile> create(const char* name, std::size_t size);
  // Takes over one that was inherited or received. Error::invalid when it is no such file.
  static Result<MemoryFile> adopt(Descriptor descriptor);

  int descriptor() const noexcept { return descriptor_.get(); }
  bool valid() const noexcept { return descriptor_.valid(); }
  // Whether the file system that holds it has a size of its own (see above).
  bool is_bounded() const noexcept { return bounded_; }

  Result<std::size_t> size() const;
  // What the file system still has room for; the largest number where it is not bounded.
  Result<std::uint64_t> room() const;
  // Copies into the file, through the kernel: cheaper than faulting fresh pages in. The range must
  // lie inside the file. no_memory when the pages cannot be had; some bytes may be written then.
  Result<void> write_at(std::uint64_t offset, const void* from, std::size_t length);
  // Takes the pages now, so that touching them later cannot fail. no_memory, interrupted.
  Result<void> reserve(std::uint64_t offset, std::size_t length);
  // Frees the whole pages inside the range; the range reads as zeros afterwards, in every process.
  Result<void> give_back(std::uint64_t offset, std::size_t length);

 private:
  MemoryFile(Descriptor descriptor, bool bounded) noexcept
      : descriptor_(std::move(descriptor)), bounded_(bounded) {}

  Descriptor descriptor_;
  bool bounded_ = false;
};

// All mappings here can be read and written, take up memory only when touched, and are left out of
// core dumps. Offsets and addresses are multiples of page_size().

// Maps the file anywhere. The range may reach past the end of the file: touching a page there is
// SIGBUS. no_memory when addresses or mappings run out (RLIMIT_AS, vm.max_map_count).
Result<std::byte*> map_shared(int fd, std::uint64_t offset, std::size_t length);
// The same, as pages of our own that start out as the file's (what others later write to pages
// untouched so far still shows).
Result<std::byte*> map_private(int fd, std::uint64_t offset, std::size_t length);
// Replaces what is mapped at `address`, in one step for every thread, by such pages of our own or
// by the file itself. After no_memory the range may be unmapped.
Result<void> map_private_over(std::byte* address, int fd, std::uint64_t offset, std::size_t length);
Result<void> map_shared_over(std::byte* address, int fd, std::uint64_t offset, std::size_t length);
// Replaces it, in one step, by a copy of the bytes there that belongs to this process alone and to
// no file. No descriptor is needed. After no_memory the range may be unmapped.
Result<void> copy_over(std::byte* address, std::size_t length);
void unmap(std::byte* address, std::size_t length) noexcept;

// Makes every page present and writable in one go. False where that did not work: an old kernel
// (before 5.14), pages past the end of the file, no memory; touching them one by one still decides.
bool populate(std::byte* address, std::size_t length) noexcept;

std::size_t page_size() noexcept;

}  // namespace onecopy::os
