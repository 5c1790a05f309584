#include "os/build_id.hpp"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace onecopy::os {
namespace {

struct Search {
  std::uintptr_t address;  // in the object looked for
  std::string build_id;
};

std::string hexadecimal(const unsigned char* bytes, std::size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

constexpr std::size_t kEnough = 6;  // bytes of a hash

constexpr std::size_t aligned(std::size_t bytes) noexcept { return (bytes + 3) & ~std::size_t{3}; }

// elf(5): a note is a header, a name and a description, the latter two padded to 4 bytes.
std::string build_id_in(const char* notes, std::size_t left) {
  while (left >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) head;
    std::memcpy(&head, notes, sizeof head);
    const std::size_t name = sizeof head;
    const std::size_t description = name + aligned(head.n_namesz);
    const std::size_t length = description + aligned(head.n_descsz);
    if (length > left) break;
    if (head.n_type == NT_GNU_BUILD_ID &&
        std::string_view(notes + name, head.n_namesz) == std::string_view("GNU", sizeof "GNU")) {
      return hexadecimal(reinterpret_cast<const unsigned char*>(notes + description),
                         std::min(std::size_t{head.n_descsz}, kEnough));
    }
    notes += length;
    left -= length;
  }
  return {};
}

int look_into(dl_phdr_info* object, std::size_t, void* given) {
  auto& search = *static_cast<Search*>(given);
  bool is_it = false;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    const std::uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    is_it |= segment.p_type == PT_LOAD && search.address - start < segment.p_memsz;
  }
  if (!is_it) return 0;
  for (int i = 0; i < object->dlpi_phnum && search.build_id.empty(); ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const std::uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    search.build_id = build_id_in(reinterpret_cast<const char*>(start), segment.p_memsz);
  }
  return 1;
}

}  // namespace

std::string build_id_around(const void* address) {
  Search search{reinterpret_cast<std::uintptr_t>(address), {}};
  dl_iterate_phdr(look_into, &search);
  return search.build_id;
}

}  // namespace onecopy::os
