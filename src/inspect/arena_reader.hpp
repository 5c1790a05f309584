// Reads the arena of a family from outside, by a descriptor of its file and nothing else.
//
// One thread of any process that could open the file for reading; it need not be a member. Nothing
// is mapped, locked or written: each look is a read of the file. So no member can tell, a page that
// nobody ever touched stays untouched (a look through a mapping would make it resident), and one
// that cannot be had is an error and never a signal. A death, of a member or of the reader, at any
// instruction is nothing to the other.
//
// Members go on meanwhile. A word is as it was at some moment of the read, words beside each other
// are of different moments, and nothing here may rely on more: whoever reads takes every number for
// any number, and checks it against what there can be before it is an index, an offset or a count.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <onecopy/error.hpp>

#include "memory/layout.hpp"

namespace onecopy::inspect {

// What the header says, as it was when the arena was opened. Equation: no count is more than its
// table has room for, and data_end is neither before the data nor past the end of the file.
struct Head {
  std::uint32_t package_version = 0;
  std::uint32_t members = 0;  // how many places there are, or were; the same below
  std::uint32_t channels = 0;
  std::uint32_t blocks = 0;
  std::uint64_t data_end = 0;
  std::uint64_t limit = 0;  // ONECOPY_MEMORY_LIMIT in bytes; 0: none given
  std::uint64_t resident = 0;
  std::uint64_t highest_resident = 0;
};

class ArenaReader {
 public:
  // The descriptor is not consumed, and stays open as long as this is in use. Error::corrupt (it is
  // of no arena), Error::version_mismatch, which names both versions.
  static Result<ArenaReader> open(int descriptor);

  // What lies there; what cannot be read, or lies past the end, is zero, and failure() says why.
  template <class Record>
  void read(std::uint64_t offset, Record& record) {
    static_assert(std::is_trivially_copyable_v<Record>);
    read_bytes(offset, &record, sizeof record);
  }
  // As many records as lie there side by side, as they were one after the other.
  template <class Record>
  void read(std::uint64_t offset, std::vector<Record>& records) {
    static_assert(std::is_trivially_copyable_v<Record>);
    read_bytes(offset, records.data(), records.size() * sizeof(Record));
  }
  // Reads it until two reads in a row agree: then its words belong together. False where they do
  // not after a few reads, because it changes all the time; `record` is as it was last.
  template <class Record>
  [[nodiscard]] bool read_settled(std::uint64_t offset, Record& record) {
    // As bytes: what lies between its words is compared too, and does no harm.
    std::array<std::byte, sizeof(Record)> seen;
    std::array<std::byte, sizeof(Record)> before;
    read(offset, seen);
    bool settled = false;
    for (int look = 0; look < kMostLooks && !settled; ++look) {
      before = seen;
      read(offset, seen);
      settled = seen == before;
    }
    std::memcpy(static_cast<void*>(&record), seen.data(), sizeof record);
    return settled;
  }

  const Head& head() const noexcept { return head_; }
  // Whether so many bytes from there on lie where blocks do.
  bool holds_data(std::uint64_t offset, std::uint64_t bytes) const noexcept;

  // Whether the byte that stands for a place is held (MemberRecord::guarded); where that cannot be
  // told, it is.
  bool is_guard_held(memory::Slot slot) const noexcept;

  // The first error of the system.
  const Result<void>& failure() const noexcept { return failure_; }

 private:
  static constexpr int kMostLooks = 8;

  explicit ArenaReader(int descriptor) noexcept : descriptor_(descriptor) {}
  void read_head();
  void read_bytes(std::uint64_t offset, void* to, std::size_t length);

  int descriptor_;
  Head head_;
  Result<void> failure_;
};

}  // namespace onecopy::inspect
