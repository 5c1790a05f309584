#include "message/number.hpp"

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "message/codec_state.hpp"
#include "testing/seed.hpp"

namespace onecopy::message {

struct Even {
  int value;
};

}  // namespace onecopy::message

namespace onecopy {

template <>
struct Codec<message::Even> : Codec<int> {
  static void write(Encoder& to, message::Even even) { Codec<int>::write(to, even.value); }
  static void read(Decoder& from, message::Even& even) {
    Codec<int>::read(from, even.value);
    if (even.value % 2 != 0) from.fail({Error::invalid, 0, "an even number was wanted"});
  }
};

}  // namespace onecopy

namespace onecopy::message {
namespace {

using onecopy::testing::random_for;
using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::span<const std::byte> body) { return {body.begin(), body.end()}; }

// What an Encoder writes, which goes by the codec alone.
template <class T>
Bytes encoded(const T& value) {
  Encoder::State state;
  EXPECT_TRUE(state.encode(detail::write_of(value)));
  return bytes_of(state.buffer.span());
}

template <class T>
bool decodes_to(const Bytes& body, T& value) {
  Decoder::State state(body, {});
  return state.decode(detail::read_of(value)).has_value();
}

template <class T>
void expect_as_by_the_codec(T value) {
  NumberBody number;
  ASSERT_TRUE(write_number(number, detail::write_of(value)));
  const Bytes body = bytes_of(number.span());
  EXPECT_EQ(body, encoded(value));
  T found{};
  ASSERT_TRUE(read_number(body, detail::read_of(found)));
  EXPECT_EQ(found, value);
}

// Whatever it is, a number comes of it only where the codec reads the same.
template <class T>
void expect_read_as_by_the_codec(const Bytes& body) {
  T found{};
  T expected{};
  if (!read_number(body, detail::read_of(found))) return;
  ASSERT_TRUE(decodes_to(body, expected));
  EXPECT_EQ(found, expected);
}

template <class T>
class Numbers : public ::testing::Test {};
using Types = ::testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                               std::uint32_t, std::int64_t, std::uint64_t, char, long long>;
TYPED_TEST_SUITE(Numbers, Types);

TYPED_TEST(Numbers, AreWrittenAndReadAsByTheirCodec) {
  using Limits = std::numeric_limits<TypeParam>;
  auto random = random_for("numbers");
  for (const TypeParam value : {TypeParam{0}, TypeParam{1}, TypeParam{63}, TypeParam{64},
                                TypeParam{127}, Limits::min(), TypeParam(Limits::max() / 2)}) {
    expect_as_by_the_codec(value);
  }
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<TypeParam>(random() >> (random() % 64));
    if (static_cast<std::uint64_t>(value) <= std::numeric_limits<std::int64_t>::max() ||
        std::is_signed_v<TypeParam>) {
      expect_as_by_the_codec(value);
    }
  }
}

TYPED_TEST(Numbers, AreReadOnlyWhereTheCodecReadsThem) {
  auto random = random_for("numbers of others");
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (random() % 64));
    Bytes body = encoded(random() % 2 == 0 ? value : -value);
    expect_read_as_by_the_codec<TypeParam>(body);
    body[random() % body.size()] ^= std::byte{1} << (random() % 8);
    expect_read_as_by_the_codec<TypeParam>(body);
    body.resize(random() % (body.size() + 3));
    expect_read_as_by_the_codec<TypeParam>(body);
  }
}

TEST(RealNumbers, AreWrittenAndReadAsByTheirCodec) {
  for (const double value : {0.0, -0.5, 1e300, std::numeric_limits<double>::infinity()}) {
    expect_as_by_the_codec(value);
    expect_as_by_the_codec(static_cast<float>(value));
  }
}

TEST(RealNumbers, AreReadOfIntegersByTheCodec) {
  double found = 0;
  EXPECT_FALSE(read_number(encoded(5), detail::read_of(found)));
  EXPECT_TRUE(decodes_to(encoded(5), found));
  EXPECT_EQ(found, 5.0);
}

TEST(NumbersOfOthers, AreForTheCodec) {
  NumberBody number;
  EXPECT_FALSE(write_number(number, detail::write_of(std::uint64_t{1} << 63)));
  EXPECT_FALSE(write_number(number, detail::write_of(true)));
  EXPECT_FALSE(write_number(number, detail::write_of(std::string("5"))));
  EXPECT_FALSE(write_number(number, detail::write_of(std::vector<int>{5})));
  EXPECT_FALSE(write_number(number, detail::write_of(1.5L)));
  EXPECT_EQ(number.size(), 0u);
  std::int8_t small = 0;
  EXPECT_FALSE(read_number(encoded(128), detail::read_of(small)));
  EXPECT_FALSE(read_number(encoded(-129), detail::read_of(small)));
  std::uint64_t large = 0;
  EXPECT_FALSE(read_number(encoded(-1), detail::read_of(large)));
  EXPECT_FALSE(read_number(encoded(1.0), detail::read_of(large)));
}

// A struct whose codec is made of a number's was sent as that number: its first bytes, whatever
// they are, and its codec was not asked.
TEST(NumbersOfOthers, AreNotThoseWhoseCodecIsMadeOfOne) {
  NumberBody number;
  EXPECT_FALSE(write_number(number, detail::write_of(Even{6})));
  Even found{};
  EXPECT_FALSE(read_number(encoded(6), detail::read_of(found)));
  EXPECT_TRUE(decodes_to(encoded(6), found));
  EXPECT_EQ(found.value, 6);
  EXPECT_FALSE(decodes_to(encoded(5), found));
}

static_assert(detail::number_type<long double>().kind == detail::Number::none);
static_assert(detail::number_type<bool>().kind == detail::Number::none);

}  // namespace
}  // namespace onecopy::message
