// The blocks of an arena and who has them, as they are seen from outside. Any thread of any
// process, as arena_reader.hpp says.
//
// A block may change hands between two looks, so the sums are of many moments. A block is counted
// once in each of them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "inspect/arena_reader.hpp"
#include "inspect/members.hpp"
#include "memory/owner_word.hpp"

namespace onecopy::inspect {

inline constexpr std::size_t kPurposes = static_cast<std::size_t>(memory::Purpose::pool) + 1;

// What blocks of that purpose are called in reports.
const char* name_of(memory::Purpose purpose) noexcept;

// One block that is in use.
struct Block {
  memory::BlockIndex index = 0;
  memory::Purpose purpose = memory::Purpose::data;
  memory::OwnerWord owner;  // of its head, where it is a part
  std::uint64_t offset = 0;
  std::uint64_t capacity = 0;         // bytes
  std::uint64_t length = 0;           // bytes asked for
  std::vector<memory::Slot> holders;  // of a frozen or a shared one
};

// Bytes, each of whole blocks. Equation: the purposes sum up to all that is in use, and so do the
// states.
struct Usage {
  struct Sum {
    std::uint32_t blocks = 0;
    std::uint64_t bytes = 0;
  };
  std::array<Sum, kPurposes> by_purpose{};  // in use
  Sum held;                                 // one member's each, messages on their way included
  Sum queued;                               // in channels
  Sum frozen;                               // that forks made common
  Sum shared;                               // the same for all who hold them
  Sum warm;                                 // free, with their pages kept
};

struct Blocks {
  Usage usage;
  std::vector<Block> in_use;  // by index
};

// Adds to each member what it holds.
Blocks read_blocks(ArenaReader& arena, std::span<Member> members);

// The `count` largest, the largest first.
std::vector<const Block*> largest(std::span<const Block> blocks, std::size_t count);

}  // namespace onecopy::inspect
