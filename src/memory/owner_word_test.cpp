#include "memory/owner_word.hpp"

#include <gtest/gtest.h>

namespace onecopy::memory {
namespace {

TEST(OwnerWord, TellsWhatItWasMadeOf) {
  const OwnerWord word = OwnerWord::taking(1023, 16383, 0xfffffffe);
  EXPECT_EQ(word.state(), OwnerState::taking);
  EXPECT_EQ(word.member(), 1023u);
  EXPECT_EQ(word.channel(), 16383u);
  EXPECT_EQ(word.sequence(), 0xfffffffe);
  EXPECT_EQ(OwnerWord(word.bits()), word);
}

TEST(OwnerWord, OfEachKindDiffers) {
  EXPECT_NE(OwnerWord::held(1), OwnerWord::held(2));
  EXPECT_NE(OwnerWord::putting(1, 2, 3), OwnerWord::taking(1, 2, 3));
  EXPECT_NE(OwnerWord::queued(1), OwnerWord::queued(2));
  EXPECT_NE(OwnerWord::part(1), OwnerWord::part(2));
  EXPECT_EQ(OwnerWord::part(7).head(), 7u);
}

// Who sees a frozen block without holders may be looking at what it was long ago.
TEST(OwnerWord, OfABlockFrozenTwiceDiffers) {
  EXPECT_NE(OwnerWord::frozen(1), OwnerWord::frozen(2));
}

}  // namespace
}  // namespace onecopy::memory
