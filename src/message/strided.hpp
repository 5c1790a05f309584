// Reads the elements of an array of any strides in C order, run by run. Plain memory: somebody else
// keeps the array. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "message/value_format.hpp"

namespace onecopy::message {

struct Strides {
  unsigned dimensions = 0;
  std::size_t item_size = 0;
  std::array<std::uint64_t, kMaximumDimensions> shape;
  std::array<std::int64_t, kMaximumDimensions> step;  // in bytes
};

class StridedReader {
 public:
  StridedReader(const std::byte* data, const Strides& strides) noexcept;

  // Copies the next elements, `bytes` in all (a multiple of the element's size, and no more than
  // are left).
  void copy(std::byte* to, std::size_t bytes) noexcept;

 private:
  void next_row() noexcept;

  Strides strides_;
  std::array<std::uint64_t, kMaximumDimensions> index_{};
  const std::byte* row_;          // where the current row of the last dimension begins
  std::uint64_t row_length_ = 1;  // elements
  std::int64_t row_step_ = 0;
  std::uint64_t column_ = 0;  // elements of the row that were read
};

}  // namespace onecopy::message
