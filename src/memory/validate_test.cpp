// Each case breaks one invariant of the books, in a process of its own, and wants to hear of it.
#include "memory/validate.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "memory/block.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::in_fresh_process;

// Blocks 0 to 3 are of one class and free, the newest being 3; 4 to 7 are held; 7 is larger.
void make_blocks() {
  ASSERT_TRUE(join_family());
  std::vector<BlockIndex> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(allocate_block(i == 7 ? 100'000 : 100).value());
  for (BlockIndex block = 0; block < 4; ++block) {
    ASSERT_EQ(blocks[block], block);
    release_block(block);
  }
  ASSERT_EQ(validate_memory(), "");
}

struct Damage {
  const char* what;  // part of the answer
  std::function<void()> done;

  friend void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.what; }
};

class ValidateMemory : public ::testing::TestWithParam<Damage> {};

TEST_P(ValidateMemory, Says) {
  in_fresh_process([] {
    make_blocks();
    GetParam().done();
    EXPECT_NE(validate_memory().find(GetParam().what), std::string::npos) << validate_memory();
  });
}

INSTANTIATE_TEST_SUITE_P(
    Damages, ValidateMemory,
    ::testing::Values(
        Damage{"overlaps or leaves a gap", [] { block_record(5).offset += 4096; }},
        Damage{"no such size class", [] { block_record(5).size_class = kSizeClasses; }},
        Damage{"a wrong size", [] { block_record(5).size_class = 9; }},
        Damage{"longer than its room", [] { block_record(5).length = 1 << 20; }},
        Damage{"held by a place that is free", [] { set_owner(5, OwnerWord::held(17)); }},
        Damage{"part of no block", [] { set_owner(5, OwnerWord::part(1000)); }},
        Damage{"part of a block that is no head", [] { set_owner(5, OwnerWord::part(0)); }},
        Damage{"an owner word of no kind", [] { set_owner(5, OwnerWord(0xfull << 60)); }},
        Damage{"is free, not listed", [] { set_owner(5, OwnerWord::free()); }},
        Damage{"is listed, not free", [] { set_owner(2, OwnerWord::held(0)); }},
        Damage{"twice", [] { block_record(0).older = 3; }},
        Damage{"linked one way only", [] { block_record(2).newer = kNoBlock; }},
        Damage{"names no block", [] { block_record(0).older = 12345; }},
        Damage{"does not end where it says", [] { header().warm_lists[0].oldest = 2; }},
        Damage{"a list of another kind", [] { block_record(1).warm = 0; }},
        Damage{"do not end where the books say", [] { header().data_end += 4096; }},
        Damage{"other bytes resident", [] { header().resident += 4096; }},
        Damage{"other bytes warm", [] { header().warm += 4096; }}),
    [](const auto& each) {
      std::string name = each.param.what;
      std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
      return name;
    });

}  // namespace
}  // namespace onecopy::memory
