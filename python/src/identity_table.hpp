// Which objects of one message were written already, by their addresses. Used under the GIL by one
// message at a time; clear() is a matter of one number.
#pragma once

#include <cstdint>
#include <vector>

#include "python.hpp"

namespace onecopy::python {

class IdentityTable {
 public:
  static constexpr std::uint32_t kNew = 0xffffffffu;   // not seen before; noted as open from now on
  static constexpr std::uint32_t kOpen = 0xfffffffeu;  // being written, or not to be referred to

  // The number of the object, kNew or kOpen. May throw std::bad_alloc.
  std::uint32_t look_up(PyObject* object) {
    if (2 * (used_ + 1) > entries_.size()) [[unlikely]]
      grow();
    Entry& entry = place_of(object);
    if (entry.object == object && entry.epoch == epoch_) return entry.number;
    entry = {object, epoch_, kOpen};
    ++used_;
    return kNew;
  }

  // Gives an object that was looked up its number.
  void set_number(PyObject* object, std::uint32_t number) noexcept {
    place_of(object).number = number;
  }

  void clear() noexcept;

 private:
  static constexpr std::size_t kFirstSize = 256;
  static constexpr std::size_t kMostKept = 65536;

  // Equation: an entry is in use where its epoch is the table's; more than half are not in use.
  struct Entry {
    PyObject* object = nullptr;
    std::uint32_t epoch = 0;
    std::uint32_t number = 0;
  };

  // The entry of the object, or the free one where it belongs.
  Entry& place_of(PyObject* object) noexcept {
    const std::size_t mask = entries_.size() - 1;
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    std::size_t place = ((address >> 4) * 0x9e3779b97f4a7c15ull) >> 32;
    for (;; ++place) {
      Entry& entry = entries_[place & mask];
      if (entry.epoch != epoch_ || entry.object == object) return entry;
    }
  }

  void grow();

  std::vector<Entry> entries_;
  std::size_t used_ = 0;
  std::uint32_t epoch_ = 1;
};

}  // namespace onecopy::python
