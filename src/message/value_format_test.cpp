#include "message/value_format.hpp"

#include <complex>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace onecopy::message {
namespace {

constexpr int kTags = static_cast<int>(Tag::shared_array);

TEST(ValueFormat, HasANameForEveryTagAndForNoOther) {
  for (int number = 0; number < 256; ++number) {
    const bool is_tag = number >= 1 && number <= kTags;
    EXPECT_EQ(std::string(name_of(static_cast<Tag>(number))) != "something unknown", is_tag)
        << number;
  }
}

TEST(ValueFormat, HasTagsThatLeaveTheBitsOfTheTagByteFree) {
  EXPECT_EQ(kTags & ~kTagMask, 0);
  EXPECT_EQ(kTagMask & (kInBlock | kSmallInteger | kRemember), 0);
}

TEST(ValueFormat, KnowsNameAndSizeOfEveryTypeOfElement) {
  const std::vector<std::tuple<ElementType, std::size_t, std::string>> all = {
      {ElementType::boolean, 1, "bool"},
      {ElementType::int8, 1, "int8"},
      {ElementType::int16, 2, "int16"},
      {ElementType::int32, 4, "int32"},
      {ElementType::int64, 8, "int64"},
      {ElementType::uint8, 1, "uint8"},
      {ElementType::uint16, 2, "uint16"},
      {ElementType::uint32, 4, "uint32"},
      {ElementType::uint64, 8, "uint64"},
      {ElementType::float16, 2, "float16"},
      {ElementType::float32, 4, "float32"},
      {ElementType::float64, 8, "float64"},
      {ElementType::complex64, sizeof(std::complex<float>), "complex64"},
      {ElementType::complex128, sizeof(std::complex<double>), "complex128"},
      {ElementType::long_double, sizeof(long double), "longdouble"}};
  std::size_t known = 0;
  for (int number = 0; number < 256; ++number) {
    known += item_size(static_cast<ElementType>(number)) != 0;
  }

  EXPECT_EQ(known, all.size());
  for (const auto& [type, size, name] : all) {
    EXPECT_EQ(item_size(type), size) << name;
    EXPECT_EQ(name_of(type), name);
  }
}

TEST(ValueFormat, PutsInBlocksOnlyWhatHasData) {
  for (const Tag tag : {Tag::none, Tag::true_, Tag::integer, Tag::real, Tag::list, Tag::dict,
                        Tag::reference, Tag::big_integer, Tag::shared_array}) {
    EXPECT_EQ(kMayBeInBlock & tag_bit(tag), 0u) << name_of(tag);
  }
  for (const Tag tag : {Tag::string, Tag::bytes, Tag::reals, Tag::array, Tag::record}) {
    EXPECT_NE(kMayBeInBlock & tag_bit(tag), 0u) << name_of(tag);
  }
}

}  // namespace
}  // namespace onecopy::message
